/**
 * The log segment being written: its file, its salt, the next offset. Threads: the fsync worker.
 * Formats: `format/segment.ts` and `format/block.ts` of storage.
 *
 * Invariants
 * 1. The segment was made ready before (header, zeros, synced, renamed, directory synced): opening
 *    it only checks the header and never creates a file.
 * 2. A data block leaves SEGMENT_END_RESERVE_BYTES behind it and a watermark block leaves room for
 *    the END block, so a watermark always fits after data and END always fits.
 * 3. `offset` moves only after a write came back whole.
 */
import { join } from 'node:path';
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  EndReason,
  SEGMENT_DATA_OFFSET,
  SEGMENT_END_RESERVE_BYTES,
  SEGMENT_HEADER_BYTES,
  WAL_BLOCK_PAYLOAD_BYTES_MAX,
  assert,
  blockSeed,
  checksum,
  corrupt,
  decodeSegmentHeader,
  newBlockHeader,
  segmentFileName,
  writeBlockHeader,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

export interface SegmentContext {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly databaseId: Uint8Array;
  readonly segmentBytes: number;
}

/** What every block carries besides its records. */
export interface BlockStamp {
  syncedWatermark: number;
  timestampMs: number;
}

export class SegmentWriter {
  readonly segmentNumber: number;
  readonly path: string;
  offset: number;
  private readonly file: VfsFile;
  private readonly segmentBytes: number;
  private readonly salt: number;
  /** Reused for every block. */
  private readonly header = new Uint8Array(BLOCK_HEADER_BYTES);
  private readonly fields = newBlockHeader();
  private readonly markParts: Uint8Array[] = [this.header];
  private readonly dataParts: Uint8Array[] = [this.header, this.header];

  constructor(context: SegmentContext, segmentNumber: number, offset: number) {
    assert(offset >= SEGMENT_DATA_OFFSET && offset % 8 === 0, 'blocks begin behind the header');
    assert(offset + BLOCK_HEADER_BYTES <= context.segmentBytes, 'END fits behind the start');
    this.segmentNumber = segmentNumber;
    this.path = join(context.directory, segmentFileName(segmentNumber));
    this.segmentBytes = context.segmentBytes;
    this.offset = offset;
    this.file = context.vfs.open(this.path, 'read-write');
    try {
      this.salt = readSalt(this.file, this.path, context, segmentNumber);
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  /** Largest payload of the next data block; not positive when there is room for none. */
  payloadBytesMax(): number {
    const room = this.segmentBytes - this.offset - BLOCK_HEADER_BYTES - SEGMENT_END_RESERVE_BYTES;
    return Math.min(WAL_BLOCK_PAYLOAD_BYTES_MAX, room);
  }

  hasRoomForWatermark(): boolean {
    return this.segmentBytes - this.offset >= SEGMENT_END_RESERVE_BYTES;
  }

  /** Writes one block of whole records; `payload` may be a view of the ring. */
  writeData(
    payload: Uint8Array,
    recordCount: number,
    firstSequence: number,
    lastSequence: number,
    stamp: BlockStamp,
  ): void {
    assert(payload.length <= this.payloadBytesMax(), 'a block fits its segment');
    const seed = blockSeed(this.salt, this.offset);
    const { fields, dataParts } = this;
    fields.kind = BlockKind.DATA;
    fields.payloadBytes = payload.length;
    fields.recordCount = recordCount;
    fields.firstSequence = firstSequence;
    fields.lastSequence = lastSequence;
    fields.payloadCrc = checksum(payload, seed);
    this.sealHeader(seed, stamp);
    dataParts[1] = payload;
    this.file.write(dataParts, this.offset);
    this.offset += BLOCK_HEADER_BYTES + payload.length;
  }

  /** Writes a WATERMARK or an END block; `lastSequence`: the last one written before it. */
  writeMark(
    kind: typeof BlockKind.WATERMARK | typeof BlockKind.END,
    lastSequence: number,
    stamp: BlockStamp,
  ): void {
    assert(this.offset + BLOCK_HEADER_BYTES <= this.segmentBytes, 'the reserve is there');
    const seed = blockSeed(this.salt, this.offset);
    const { fields } = this;
    fields.kind = kind;
    fields.payloadBytes = 0;
    fields.recordCount = 0;
    fields.firstSequence = lastSequence;
    fields.lastSequence = lastSequence;
    fields.payloadCrc = 0;
    this.sealHeader(seed, stamp);
    this.file.write(this.markParts, this.offset);
    this.offset += BLOCK_HEADER_BYTES;
  }

  /** Test switch only: pretends that the failed block had been written. */
  skipGarbage(payloadBytes: number): void {
    this.offset += BLOCK_HEADER_BYTES + payloadBytes;
  }

  dataSync(): void {
    this.file.dataSync();
  }

  close(): void {
    this.file.close();
  }

  private sealHeader(seed: number, stamp: BlockStamp): void {
    this.fields.endReason = EndReason.ROLLED;
    this.fields.syncedWatermark = stamp.syncedWatermark;
    this.fields.timestampMs = stamp.timestampMs;
    writeBlockHeader(this.header, 0, this.fields, seed);
  }
}

function readSalt(
  file: VfsFile,
  path: string,
  context: SegmentContext,
  segmentNumber: number,
): number {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  file.read(bytes, 0);
  const decoded = decodeSegmentHeader(bytes, path);
  if (decoded.state === 'zero') throw corrupt(path, 0, 'the segment was never made ready');
  if (decoded.state === 'damaged') throw corrupt(path, 0, decoded.problem);
  const { header } = decoded;
  if (header.segmentNumber !== segmentNumber) {
    throw corrupt(path, 0, `the header says segment ${header.segmentNumber}`);
  }
  if (header.segmentBytes !== context.segmentBytes || file.size() !== context.segmentBytes) {
    throw corrupt(path, 0, `the segment should have ${context.segmentBytes} bytes`);
  }
  if (Buffer.compare(header.databaseId, context.databaseId) !== 0) {
    throw corrupt(path, 0, 'the segment belongs to another database');
  }
  return header.salt;
}

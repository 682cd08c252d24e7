/**
 * Writes logs block by block for tests, through the format functions only, so that a test says
 * exactly which blocks exist, in which segment, with which watermark.
 */
import { join } from 'node:path';
import { checksum } from '../checksum.js';
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  EndReason,
  blockSeed,
  newBlockHeader,
  writeBlockHeader,
  type BlockHeader,
} from '../format/block.js';
import {
  RECORD_HEADER_BYTES,
  RecordKind,
  recordBytesFor,
  writeRecordHeader,
} from '../format/record.js';
import { SEGMENT_DATA_OFFSET, encodeSegmentHeader, segmentFileName } from '../format/segment.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';

export const TEST_DIRECTORY = '/db';
export const TEST_DATABASE_ID = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
export const TEST_SEGMENT_BYTES = 4096;

export interface TestRecord {
  sequence: number;
  kind?: RecordKind;
  /** Length is a multiple of 4. */
  payload?: Uint8Array;
}

/** The payload a test record has by default: four words that depend on the sequence. */
export function testPayload(sequence: number): Uint8Array {
  const words = Int32Array.of(sequence, ~sequence, sequence * 3, 7);
  return new Uint8Array(words.buffer);
}

export function encodeRecords(records: readonly TestRecord[]): Uint8Array {
  const chunks = records.map(({ sequence, kind = RecordKind.WHOLE, payload }) => {
    const bytes = payload ?? testPayload(sequence);
    const words = new Int32Array(recordBytesFor(bytes.length) / 4);
    const isFirst = kind === RecordKind.WHOLE || kind === RecordKind.FIRST;
    new Uint8Array(words.buffer).set(bytes, RECORD_HEADER_BYTES);
    writeRecordHeader(words, 0, bytes.length, kind, isFirst ? 1 : 0, sequence);
    return new Uint8Array(words.buffer);
  });
  return Uint8Array.from(Buffer.concat(chunks));
}

const TEMPORARY_PATH = join(TEST_DIRECTORY, 'new.tmp');

export class TestLog {
  readonly disk = new SimulatedDisk();
  readonly vfs: Vfs = this.disk.vfs();
  segmentNumber = 0;
  offset = SEGMENT_DATA_OFFSET;
  lastSequence: number;
  #salt = 0;
  #file: VfsFile | undefined;
  readonly #made = new Map<number, { salt: number; file: VfsFile }>();

  /** An empty log whose first segment is `segmentNumber`, behind the checkpoint `lastSequence`. */
  constructor(segmentNumber = 1, lastSequence = 0) {
    this.lastSequence = lastSequence;
    this.vfs.makeDirectory(TEST_DIRECTORY);
    this.segment(segmentNumber);
  }

  path(segmentNumber = this.segmentNumber): string {
    return join(TEST_DIRECTORY, segmentFileName(segmentNumber));
  }

  /** Makes a segment (or takes a recycled one into use: what it holds stays), and goes there. */
  segment(segmentNumber: number, segmentBytes = TEST_SEGMENT_BYTES): void {
    const salt = segmentNumber * 0x9e37 + this.disk.operationCount;
    const path = this.path(segmentNumber);
    const isNew = !this.vfs.exists(path);
    const file = this.vfs.open(isNew ? TEMPORARY_PATH : path, 'create');
    file.truncate(segmentBytes);
    const header = { segmentBytes, salt, segmentNumber, databaseId: TEST_DATABASE_ID };
    file.write([encodeSegmentHeader(header)], 0);
    // It gets the name only when it is whole on the disk.
    if (isNew) {
      file.sync();
      this.vfs.rename(TEMPORARY_PATH, path);
    }
    this.#made.set(segmentNumber, { salt, file });
    this.#goTo(segmentNumber);
  }

  /** Writes a block of records; returns its offset. */
  data(watermark: number, ...records: (number | TestRecord)[]): number {
    const all = records.map((record) =>
      typeof record === 'number' ? { sequence: record } : record,
    );
    const payload = encodeRecords(all);
    return this.#block(payload, {
      kind: BlockKind.DATA,
      recordCount: all.length,
      firstSequence: all[0].sequence,
      lastSequence: all[all.length - 1].sequence,
      syncedWatermark: watermark,
    });
  }

  watermark(watermark: number, lastSequence = this.lastSequence): number {
    const kind = BlockKind.WATERMARK;
    const last = { firstSequence: lastSequence, lastSequence };
    return this.#block(undefined, { kind, ...last, syncedWatermark: watermark });
  }

  end(watermark: number, endReason: EndReason = EndReason.ROLLED): number {
    const last = { firstSequence: this.lastSequence, lastSequence: this.lastSequence };
    const kind = BlockKind.END;
    return this.#block(undefined, { kind, endReason, ...last, syncedWatermark: watermark });
  }

  /** Writes a block with right checksums and any content; `fields` need not describe it. */
  forged(payload: Uint8Array | undefined, fields: Partial<BlockHeader>): number {
    return this.#block(payload, fields);
  }

  /** Ends the segment as the fsync worker does, and goes to the next (made if it is not there). */
  roll(watermark: number): void {
    const next = this.segmentNumber + 1;
    if (!this.#made.has(next)) this.prepare(next);
    this.end(watermark);
    this.#goTo(next);
  }

  /** Makes a segment without going there. */
  prepare(segmentNumber: number): void {
    const [here, offset] = [this.segmentNumber, this.offset];
    this.segment(segmentNumber);
    this.#goTo(here);
    this.offset = offset;
  }

  #goTo(segmentNumber: number): void {
    const made = this.#made.get(segmentNumber);
    if (made === undefined) throw new Error(`segment ${segmentNumber} was not made`);
    this.segmentNumber = segmentNumber;
    this.#salt = made.salt;
    this.#file = made.file;
    this.offset = SEGMENT_DATA_OFFSET;
  }

  /** Overwrites bytes of a segment, by default with a pattern that is no zero. */
  damage(offset: number, bytes = 8, segmentNumber = this.segmentNumber, value = 0xa5): void {
    const file = this.vfs.open(this.path(segmentNumber), 'read-write');
    file.write([new Uint8Array(bytes).fill(value)], offset);
    file.close();
  }

  #block(payload: Uint8Array | undefined, fields: Partial<BlockHeader>): number {
    const seed = blockSeed(this.#salt, this.offset);
    const payloadBytes = payload?.length ?? 0;
    const header = { ...newBlockHeader(), payloadBytes, ...fields };
    header.payloadCrc = payload === undefined ? 0 : checksum(payload, seed);
    header.timestampMs = 1_700_000_000_000 + this.disk.operationCount;
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES);
    writeBlockHeader(bytes, 0, header, seed);
    const at = this.offset;
    this.#file?.write(payload === undefined ? [bytes] : [bytes, payload], at);
    this.offset += bytes.length + payloadBytes;
    if (payload !== undefined) this.lastSequence = header.lastSequence;
    return at;
  }
}

/** Commits written into the log of a simulated database by hand: right checksums, any content. */
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  RECORD_HEADER_BYTES,
  RecordKind,
  SEGMENT_HEADER_BYTES,
  blockSeed,
  checksum,
  decodeSegmentHeader,
  loadCheckpoint,
  newBlockHeader,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  recordBytesFor,
  scanLog,
  writeBlockHeader,
  writeOperationHeader,
  writeRecordHeader,
  type OperationKind,
  type SimulatedDisk,
} from '@manifold-db/storage';
import { overwrite, pathOf, readBytes } from './files.js';
import { SIMULATED_PATH } from './simulator.js';

export interface ForgedOperation {
  readonly kind: OperationKind;
  readonly family: number;
  readonly key?: string;
  readonly value?: string;
  readonly flags?: number;
}

function encode(operations: readonly ForgedOperation[]): Uint8Array {
  const parts = operations.map(({ kind, family, key = '', value = '', flags = 0 }) => {
    const words = new Int32Array(operationBytes(key.length, value.length) / 4);
    writeOperationHeader(words, 0, kind, flags, family, key.length, value.length);
    const bytes = Buffer.from(words.buffer);
    bytes.write(value, operationValueOffset(0), 'latin1');
    bytes.write(key, operationKeyOffset(0, value.length), 'latin1');
    return bytes;
  });
  return Buffer.concat(parts);
}

/** The next commit of a database that is not open. `count`: how many operations its record says. */
export function forgeCommit(
  disk: SimulatedDisk,
  operations: readonly ForgedOperation[],
  count = operations.length,
): void {
  const { meta } = loadCheckpoint(disk.vfs(), SIMULATED_PATH);
  const scan = {
    databaseId: meta.databaseId,
    fromSequence: meta.sequence,
    oldestSegment: meta.walSegmentNumber,
  };
  const { tail } = scanLog(disk.vfs(), SIMULATED_PATH, scan, { transaction: () => {} });
  const path = pathOf(tail.fileName!);
  const segment = decodeSegmentHeader(
    readBytes(disk.vfs(), path).subarray(0, SEGMENT_HEADER_BYTES),
    path,
  );
  if (segment.state !== 'valid') throw new Error(`${path}: ${segment.state}`);
  const sequence = tail.lastSequence + 1;
  const payload = encode(operations);
  const words = new Int32Array(recordBytesFor(payload.length) / 4);
  const record = new Uint8Array(words.buffer);
  record.set(payload, RECORD_HEADER_BYTES);
  writeRecordHeader(words, 0, payload.length, RecordKind.WHOLE, count, sequence);
  const seed = blockSeed(segment.header.salt, tail.offset);
  const block = new Uint8Array(BLOCK_HEADER_BYTES + record.length);
  block.set(record, BLOCK_HEADER_BYTES);
  const header = {
    ...newBlockHeader(),
    kind: BlockKind.DATA,
    payloadBytes: record.length,
    recordCount: 1,
    firstSequence: sequence,
    lastSequence: sequence,
    syncedWatermark: tail.highestWatermark,
    payloadCrc: checksum(record, seed),
  };
  writeBlockHeader(block, 0, header, seed);
  overwrite(disk, path, block, tail.offset);
}

/**
 * Log block: what one write of the fsync worker covers. Blocks follow one another from
 * SEGMENT_DATA_OFFSET on, each at a multiple of 8: header, then the payload (whole records).
 *
 *   offset bytes field
 *        0     4 magic
 *        4     1 kind             DATA, WATERMARK or END
 *        5     1 endReason        END only: see EndReason
 *        6     2 zero
 *        8     4 payloadBytes     multiple of 8; 0 for WATERMARK and END
 *       12     4 recordCount      0 for WATERMARK and END
 *       16     8 firstSequence    of the first record; WATERMARK, END: see lastSequence
 *       24     8 lastSequence     of the last record; WATERMARK, END: last sequence written before
 *       32     8 syncedWatermark  everything up to it was durable when this block was written
 *       40     8 timestampMs      wall clock, never decreasing, informative
 *       48     4 payloadCrc       CRC-32 of the payload, seeded; 0 for WATERMARK and END
 *       52     8 zero
 *       60     4 headerCrc        CRC-32 of bytes 0..60, seeded
 *
 * Both checksums start from `blockSeed(salt, fileOffset)`: a block left over from the segment's
 * earlier life, or written to the wrong place, never passes.
 */
import { assert } from '../assert.js';
import { WAL_BLOCK_PAYLOAD_BYTES_MAX } from '../limits.js';
import { isZero, readU32, readU64, writeU32, writeU64 } from './bytes.js';
import { crcWord } from './crc-words.js';

/** 'MBLK' */
export const BLOCK_MAGIC = 0x4b4c424d;
const MAGIC_OFFSET = 0;
const KIND_OFFSET = 4;
const END_REASON_OFFSET = 5;
const PAYLOAD_BYTES_OFFSET = 8;
const RECORD_COUNT_OFFSET = 12;
const FIRST_SEQUENCE_OFFSET = 16;
const LAST_SEQUENCE_OFFSET = 24;
const SYNCED_WATERMARK_OFFSET = 32;
const TIMESTAMP_OFFSET = 40;
const PAYLOAD_CRC_OFFSET = 48;
const ZERO_OFFSET = 52;
const HEADER_CRC_OFFSET = 60;
export const BLOCK_HEADER_BYTES = HEADER_CRC_OFFSET + 4;
export const BLOCK_ALIGNMENT = 8;

export const BlockKind = { DATA: 1, WATERMARK: 2, END: 3 } as const;
export type BlockKind = (typeof BlockKind)[keyof typeof BlockKind];

/**
 * Why a segment ends. ROLLED: the writer goes on in the next one, whose header is already durable,
 * so its absence is damage. CUT: recovery cut a tail here; the next segment may not exist yet.
 */
export const EndReason = { ROLLED: 0, CUT: 1 } as const;
export type EndReason = (typeof EndReason)[keyof typeof EndReason];

export interface BlockHeader {
  kind: BlockKind;
  endReason: EndReason;
  payloadBytes: number;
  recordCount: number;
  firstSequence: number;
  lastSequence: number;
  syncedWatermark: number;
  timestampMs: number;
  payloadCrc: number;
}

/** A header to decode into, again and again. */
export function newBlockHeader(): BlockHeader {
  return {
    kind: BlockKind.DATA,
    endReason: EndReason.ROLLED,
    payloadBytes: 0,
    recordCount: 0,
    firstSequence: 0,
    lastSequence: 0,
    syncedWatermark: 0,
    timestampMs: 0,
    payloadCrc: 0,
  };
}

/** Seed of the checksums of the block at `fileOffset`; the steps spread every input bit. */
export function blockSeed(salt: number, fileOffset: number): number {
  let mixed = Math.imul(salt ^ (salt >>> 16), 0x7feb352d);
  mixed ^= Math.imul(fileOffset ^ (fileOffset >>> 15), 0x846ca68b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x9e3779b1);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function headerCrc(bytes: Uint8Array, offset: number, seed: number): number {
  let crc = ~seed;
  for (let at = offset; at < offset + HEADER_CRC_OFFSET; at += 4) {
    crc = crcWord(crc, readU32(bytes, at));
  }
  return ~crc >>> 0;
}

/**
 * Writes a header at `offset` of `target`. `header.payloadCrc` is the checksum of the payload with
 * the same seed, chained over its parts: `checksum(part2, checksum(part1, seed))`.
 */
export function writeBlockHeader(
  target: Uint8Array,
  offset: number,
  header: BlockHeader,
  seed: number,
): void {
  assert(header.payloadBytes <= WAL_BLOCK_PAYLOAD_BYTES_MAX, 'a block payload is bounded');
  assert(header.payloadBytes % BLOCK_ALIGNMENT === 0, 'a block payload holds whole records');
  assert(header.payloadBytes > 0 || header.payloadCrc === 0, 'nothing has the checksum 0');
  target.fill(0, offset, offset + BLOCK_HEADER_BYTES);
  writeU32(target, offset + MAGIC_OFFSET, BLOCK_MAGIC);
  target[offset + KIND_OFFSET] = header.kind;
  target[offset + END_REASON_OFFSET] = header.endReason;
  writeU32(target, offset + PAYLOAD_BYTES_OFFSET, header.payloadBytes);
  writeU32(target, offset + RECORD_COUNT_OFFSET, header.recordCount);
  writeU64(target, offset + FIRST_SEQUENCE_OFFSET, header.firstSequence);
  writeU64(target, offset + LAST_SEQUENCE_OFFSET, header.lastSequence);
  writeU64(target, offset + SYNCED_WATERMARK_OFFSET, header.syncedWatermark);
  writeU64(target, offset + TIMESTAMP_OFFSET, header.timestampMs);
  writeU32(target, offset + PAYLOAD_CRC_OFFSET, header.payloadCrc);
  writeU32(target, offset + HEADER_CRC_OFFSET, headerCrc(target, offset, seed));
}

/** Why there is no block header at an offset. */
export const BlockProblem = {
  /** Too few bytes are left for a header. */
  TOO_SHORT: 'too-short',
  /** Zeros: nothing was written here since the space was made ready. */
  ZERO: 'zero',
  MAGIC: 'magic',
  CHECKSUM: 'checksum',
  /** The checksum is right, the content cannot be. */
  IMPOSSIBLE: 'impossible',
} as const;
export type BlockProblem = (typeof BlockProblem)[keyof typeof BlockProblem];

/** Decodes the header at `offset` into `header`; on a problem its content is undefined. */
export function readBlockHeader(
  bytes: Uint8Array,
  offset: number,
  seed: number,
  header: BlockHeader,
): BlockProblem | undefined {
  if (offset + BLOCK_HEADER_BYTES > bytes.length) return BlockProblem.TOO_SHORT;
  if (readU32(bytes, offset + MAGIC_OFFSET) !== BLOCK_MAGIC) {
    const end = offset + BLOCK_HEADER_BYTES;
    return isZero(bytes, offset, end) ? BlockProblem.ZERO : BlockProblem.MAGIC;
  }
  if (readU32(bytes, offset + HEADER_CRC_OFFSET) !== headerCrc(bytes, offset, seed)) {
    return BlockProblem.CHECKSUM;
  }
  header.kind = bytes[offset + KIND_OFFSET] as BlockKind;
  header.endReason = bytes[offset + END_REASON_OFFSET] as EndReason;
  header.payloadBytes = readU32(bytes, offset + PAYLOAD_BYTES_OFFSET);
  header.recordCount = readU32(bytes, offset + RECORD_COUNT_OFFSET);
  header.firstSequence = readU64(bytes, offset + FIRST_SEQUENCE_OFFSET);
  header.lastSequence = readU64(bytes, offset + LAST_SEQUENCE_OFFSET);
  header.syncedWatermark = readU64(bytes, offset + SYNCED_WATERMARK_OFFSET);
  header.timestampMs = readU64(bytes, offset + TIMESTAMP_OFFSET);
  header.payloadCrc = readU32(bytes, offset + PAYLOAD_CRC_OFFSET);
  const isUnusedZero =
    bytes[offset + END_REASON_OFFSET + 1] === 0 &&
    bytes[offset + END_REASON_OFFSET + 2] === 0 &&
    isZero(bytes, offset + ZERO_OFFSET, offset + HEADER_CRC_OFFSET);
  return isUnusedZero && isPossible(header) ? undefined : BlockProblem.IMPOSSIBLE;
}

function isPossible(header: BlockHeader): boolean {
  const { kind, endReason, payloadBytes, recordCount } = header;
  if (kind !== BlockKind.DATA && kind !== BlockKind.WATERMARK && kind !== BlockKind.END) {
    return false;
  }
  if (endReason !== EndReason.ROLLED && (kind !== BlockKind.END || endReason !== EndReason.CUT)) {
    return false;
  }
  if (payloadBytes > WAL_BLOCK_PAYLOAD_BYTES_MAX || payloadBytes % BLOCK_ALIGNMENT !== 0) {
    return false;
  }
  const hasRecords = payloadBytes > 0 && recordCount > 0;
  const hasNone = payloadBytes === 0 && recordCount === 0 && header.payloadCrc === 0;
  if (kind === BlockKind.DATA ? !hasRecords : !hasNone) return false;
  return (
    Number.isSafeInteger(header.firstSequence) &&
    Number.isSafeInteger(header.lastSequence) &&
    Number.isSafeInteger(header.syncedWatermark) &&
    Number.isSafeInteger(header.timestampMs) &&
    header.firstSequence <= header.lastSequence
  );
}

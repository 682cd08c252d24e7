/**
 * Log record: one transaction, or one fragment of a large one. The same bytes lie in the shared
 * ring and in the payload of a log block, 8-aligned. Written by the committing thread, read by the
 * apply worker and by recovery.
 *
 *   offset bytes field
 *        0     4 recordBytes   header and payload, padded to 8
 *        4     4 payloadBytes  without the padding
 *        8     1 kind          WHOLE, FIRST, MIDDLE or LAST
 *        9     3 zero
 *       12     4 opCount       of the whole transaction; 0 in MIDDLE and LAST
 *       16     8 sequence
 *       24     4 headerCrc     CRC-32 of bytes 0..24
 *       28     4 zero
 *       32       payload, zeros up to recordBytes
 *
 * Fragments of one transaction follow one another with no other record between them. Functions here
 * are hot (once per commit, or per recovered record): integers and typed arrays, no allocation.
 */
import { assert } from '../assert.js';
import { WAL_RECORD_BYTES_MAX } from '../limits.js';
import { highWord, joinWords, readU32 } from './bytes.js';
import { crcWord } from './crc-words.js';

const RECORD_BYTES_WORD = 0;
const PAYLOAD_BYTES_WORD = 1;
const KIND_WORD = 2;
const OP_COUNT_WORD = 3;
const SEQUENCE_LOW_WORD = 4;
const SEQUENCE_HIGH_WORD = 5;
const HEADER_CRC_WORD = 6;
const ZERO_WORD = 7;
const HEADER_WORDS = 8;
export const RECORD_HEADER_BYTES = HEADER_WORDS * 4;
export const RECORD_ALIGNMENT = 8;
export const RECORD_PAYLOAD_BYTES_MAX = WAL_RECORD_BYTES_MAX - RECORD_HEADER_BYTES;

assert(RECORD_PAYLOAD_BYTES_MAX % RECORD_ALIGNMENT === 0, 'a full fragment needs no padding');

export const RecordKind = { WHOLE: 0, FIRST: 1, MIDDLE: 2, LAST: 3 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Bytes of a record with that payload. */
export function recordBytesFor(payloadBytes: number): number {
  return RECORD_HEADER_BYTES + ((payloadBytes + RECORD_ALIGNMENT - 1) & -RECORD_ALIGNMENT);
}

/**
 * Writes the header of the record at word `word` of `words` and zeroes the padding behind its
 * payload. The payload need not be there yet: the checksum covers the header only (the block's
 * covers all).
 */
export function writeRecordHeader(
  words: Int32Array,
  word: number,
  payloadBytes: number,
  kind: RecordKind,
  opCount: number,
  sequence: number,
): void {
  const recordBytes = recordBytesFor(payloadBytes);
  const low = sequence | 0;
  const high = highWord(sequence) | 0;
  zeroPadding(words, word, payloadBytes);
  words[word + RECORD_BYTES_WORD] = recordBytes;
  words[word + PAYLOAD_BYTES_WORD] = payloadBytes;
  words[word + KIND_WORD] = kind;
  words[word + OP_COUNT_WORD] = opCount;
  words[word + SEQUENCE_LOW_WORD] = low;
  words[word + SEQUENCE_HIGH_WORD] = high;
  words[word + HEADER_CRC_WORD] = headerCrc(recordBytes, payloadBytes, kind, opCount, low, high);
  words[word + ZERO_WORD] = 0;
}

/**
 * Payloads are multiples of 4 whenever they consist of whole operations, so at most one word is
 * padding; a fragment cut elsewhere is full and has none.
 */
function zeroPadding(words: Int32Array, word: number, payloadBytes: number): void {
  assert(payloadBytes % 4 === 0, 'a record payload is a multiple of 4 bytes');
  if ((payloadBytes & 4) !== 0) words[word + HEADER_WORDS + (payloadBytes >>> 2)] = 0;
}

function headerCrc(
  recordBytes: number,
  payloadBytes: number,
  kind: number,
  opCount: number,
  sequenceLow: number,
  sequenceHigh: number,
): number {
  let crc = crcWord(-1, recordBytes);
  crc = crcWord(crc, payloadBytes);
  crc = crcWord(crc, kind);
  crc = crcWord(crc, opCount);
  crc = crcWord(crc, sequenceLow);
  return ~crcWord(crc, sequenceHigh);
}

export function readRecordBytes(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + RECORD_BYTES_WORD * 4);
}

export function readRecordPayloadBytes(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + PAYLOAD_BYTES_WORD * 4);
}

export function readRecordKind(bytes: Uint8Array, offset: number): number {
  return bytes[offset + KIND_WORD * 4];
}

export function readRecordOpCount(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + OP_COUNT_WORD * 4);
}

export function readRecordSequence(bytes: Uint8Array, offset: number): number {
  const low = readU32(bytes, offset + SEQUENCE_LOW_WORD * 4);
  return joinWords(low, readU32(bytes, offset + SEQUENCE_HIGH_WORD * 4));
}

/**
 * What is wrong with the shape of the record at `offset`, which must end at or before `end`. Cheap:
 * the caller has checked the block's checksum. `undefined` when every length may be used.
 */
export function recordProblem(bytes: Uint8Array, offset: number, end: number): string | undefined {
  if (offset + RECORD_HEADER_BYTES > end) return 'a record header crosses the end of its block';
  const recordBytes = readRecordBytes(bytes, offset);
  const payloadBytes = readRecordPayloadBytes(bytes, offset);
  if (recordBytes > WAL_RECORD_BYTES_MAX || offset + recordBytes > end) {
    return `a record of ${recordBytes} bytes crosses the end of its block`;
  }
  if (payloadBytes > RECORD_PAYLOAD_BYTES_MAX || recordBytesFor(payloadBytes) !== recordBytes) {
    return `a record of ${recordBytes} bytes claims a payload of ${payloadBytes}`;
  }
  if (readU32(bytes, offset + KIND_WORD * 4) > RecordKind.LAST) return 'unknown kind of record';
  if (!Number.isSafeInteger(readRecordSequence(bytes, offset))) return 'impossible sequence';
  return undefined;
}

/** Whether the header's own checksum is right: for readers that cannot rely on a block. */
export function isRecordHeaderIntact(bytes: Uint8Array, offset: number): boolean {
  const crc = headerCrc(
    readRecordBytes(bytes, offset),
    readRecordPayloadBytes(bytes, offset),
    readU32(bytes, offset + KIND_WORD * 4),
    readRecordOpCount(bytes, offset),
    readU32(bytes, offset + SEQUENCE_LOW_WORD * 4),
    readU32(bytes, offset + SEQUENCE_HIGH_WORD * 4),
  );
  return readU32(bytes, offset + HEADER_CRC_WORD * 4) === crc >>> 0;
}

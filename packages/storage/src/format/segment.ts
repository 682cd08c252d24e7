/**
 * Header of a log segment, the first 64 bytes of `wal-<number>.log`. Written when the file
 * is made ready, before it gets its name, and never changed in place; read by the log scanner.
 *
 *   offset bytes field
 *        0     8 magic          'MNFDWAL1'
 *        8     4 formatVersion  refused before the checksum is looked at
 *       12     4 features
 *       16     4 segmentBytes   size of the file
 *       20     4 salt           fresh at every use (nextSalt); seeds the checksums of all blocks
 *       24     8 segmentNumber  authoritative, not the name; 0 is never live
 *       32    16 databaseId
 *       48     4 headerCrc      CRC-32 of bytes 0..48
 *       52       zeros to 64
 */
import { assert } from '../assert.js';
import { checksum } from '../checksum.js';
import {
  DATABASE_ID_BYTES,
  isAscii,
  isZero,
  readU32,
  readU64,
  writeAscii,
  writeU32,
  writeU64,
} from './bytes.js';
import { FEATURES_KNOWN, FORMAT_VERSION, requireKnownFormat } from './version.js';

const MAGIC = 'MNFDWAL1';
const MAGIC_OFFSET = 0;
const FORMAT_VERSION_OFFSET = MAGIC_OFFSET + MAGIC.length;
const FEATURES_OFFSET = FORMAT_VERSION_OFFSET + 4;
const SEGMENT_BYTES_OFFSET = FEATURES_OFFSET + 4;
const SALT_OFFSET = SEGMENT_BYTES_OFFSET + 4;
const SEGMENT_NUMBER_OFFSET = SALT_OFFSET + 4;
const DATABASE_ID_OFFSET = SEGMENT_NUMBER_OFFSET + 8;
const HEADER_CRC_OFFSET = DATABASE_ID_OFFSET + DATABASE_ID_BYTES;
export const SEGMENT_HEADER_BYTES = 64;
/** The first block. */
export const SEGMENT_DATA_OFFSET = SEGMENT_HEADER_BYTES;
export const FIRST_SEGMENT_NUMBER = 1;

const NAME_DIGITS = 10;
export const SEGMENT_NUMBER_MAX = 10 ** NAME_DIGITS - 1;
const SEGMENT_NAME = /^wal-(\d{10})\.log$/;

assert(HEADER_CRC_OFFSET + 4 <= SEGMENT_HEADER_BYTES, 'the segment header fits');

export interface SegmentHeader {
  segmentBytes: number;
  salt: number;
  segmentNumber: number;
  /** 16 bytes. */
  databaseId: Uint8Array;
}

export type DecodedSegmentHeader =
  | { state: 'valid'; header: SegmentHeader }
  /** Nothing but zeros: space that was made ready and never used. */
  | { state: 'zero' }
  | { state: 'damaged'; problem: string };

export function segmentFileName(segmentNumber: number): string {
  const isPossible =
    Number.isInteger(segmentNumber) && segmentNumber >= 0 && segmentNumber <= SEGMENT_NUMBER_MAX;
  if (!isPossible) throw new RangeError(`not a segment number: ${segmentNumber}`);
  return `wal-${String(segmentNumber).padStart(NAME_DIGITS, '0')}.log`;
}

/** The number in the name of a log file, `undefined` for any other file. */
export function parseSegmentFileName(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  assert(header.databaseId.length === DATABASE_ID_BYTES, 'a database id has 16 bytes');
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  writeAscii(bytes, MAGIC_OFFSET, MAGIC);
  writeU32(bytes, FORMAT_VERSION_OFFSET, FORMAT_VERSION);
  writeU32(bytes, FEATURES_OFFSET, FEATURES_KNOWN);
  writeU32(bytes, SEGMENT_BYTES_OFFSET, header.segmentBytes);
  writeU32(bytes, SALT_OFFSET, header.salt);
  writeU64(bytes, SEGMENT_NUMBER_OFFSET, header.segmentNumber);
  bytes.set(header.databaseId, DATABASE_ID_OFFSET);
  writeU32(bytes, HEADER_CRC_OFFSET, checksum(bytes.subarray(0, HEADER_CRC_OFFSET)));
  return bytes;
}

/**
 * Salt for the next use of the file that begins with `bytes`, in whatever state its header is. One
 * more than before: not one of the 2^32 - 1 uses before had it. A random one could be any of them.
 */
export function nextSalt(bytes: Uint8Array): number {
  return (readU32(bytes, SALT_OFFSET) + 1) >>> 0;
}

/** Throws only ERR_MANIFOLD_FORMAT; what damage means is the scanner's decision. */
export function decodeSegmentHeader(bytes: Uint8Array, path: string): DecodedSegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) {
    return { state: 'damaged', problem: 'the file ends inside the segment header' };
  }
  if (!isAscii(bytes, MAGIC_OFFSET, MAGIC)) {
    return isZero(bytes, 0, SEGMENT_HEADER_BYTES)
      ? { state: 'zero' }
      : { state: 'damaged', problem: 'no magic number in the segment header' };
  }
  requireKnownFormat(path, readU32(bytes, FORMAT_VERSION_OFFSET), readU32(bytes, FEATURES_OFFSET));
  const expected = checksum(bytes.subarray(0, HEADER_CRC_OFFSET));
  if (readU32(bytes, HEADER_CRC_OFFSET) !== expected) {
    return { state: 'damaged', problem: 'checksum mismatch in the segment header' };
  }
  const header = {
    segmentBytes: readU32(bytes, SEGMENT_BYTES_OFFSET),
    salt: readU32(bytes, SALT_OFFSET),
    segmentNumber: readU64(bytes, SEGMENT_NUMBER_OFFSET),
    databaseId: bytes.slice(DATABASE_ID_OFFSET, HEADER_CRC_OFFSET),
  };
  const isPossible =
    header.segmentNumber <= SEGMENT_NUMBER_MAX && header.segmentBytes > SEGMENT_HEADER_BYTES;
  return isPossible
    ? { state: 'valid', header }
    : { state: 'damaged', problem: 'impossible size or number in the segment header' };
}

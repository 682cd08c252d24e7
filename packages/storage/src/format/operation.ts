/**
 * Operations: the content of a transaction, one after another over all its fragments, each
 * 4-aligned.
 * Written by the committing thread, read by the apply worker and by recovery.
 *
 *   offset bytes field
 *        0     1 kind            see OperationKind
 *        1     1 flags           CLEAR: which bounds are there; 0 otherwise
 *        2     2 keyBytes
 *        4     4 columnFamilyId
 *        8     4 valueBytes
 *       12       value, padded to 4; then the key, padded to 4
 *
 * PUT: key, value. DELETE: key. CREATE_FAMILY: the key is the name. DROP_FAMILY: neither. CLEAR:
 * the key is the low bound (inclusive), the value the high bound (exclusive).
 */
import { assert } from '../assert.js';
import { corrupt } from '../errors.js';
import { COLUMN_FAMILY_NAME_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.js';
import { readU16, readU32 } from './bytes.js';

const KIND_OFFSET = 0;
const FLAGS_OFFSET = 1;
const KEY_BYTES_OFFSET = 2;
const COLUMN_FAMILY_ID_OFFSET = 4;
const VALUE_BYTES_OFFSET = 8;
export const OPERATION_HEADER_BYTES = 12;
const COLUMN_FAMILY_ID_MAX = 0x7fff_ffff;
/** A bound of a range may be a key with one zero byte behind it. */
export const BOUND_BYTES_MAX = KEY_BYTES_MAX + 1;

export const OperationKind = {
  PUT: 1,
  DELETE: 2,
  CREATE_FAMILY: 3,
  DROP_FAMILY: 4,
  CLEAR: 5,
} as const;
export type OperationKind = (typeof OperationKind)[keyof typeof OperationKind];

export const CLEAR_HAS_LOW = 1;
export const CLEAR_HAS_HIGH = 2;
const CLEAR_FLAGS = CLEAR_HAS_LOW | CLEAR_HAS_HIGH;

assert(BOUND_BYTES_MAX <= 0xffff, 'the length of a key fits its field');
assert(COLUMN_FAMILY_NAME_BYTES_MAX <= KEY_BYTES_MAX, 'a name fits where a key does');

export function padTo4(bytes: number): number {
  return (bytes + 3) & -4;
}

/** Bytes of an operation in the payload. */
export function operationBytes(keyBytes: number, valueBytes: number): number {
  return OPERATION_HEADER_BYTES + padTo4(valueBytes) + padTo4(keyBytes);
}

/** Where the value of an operation at `offset` starts. */
export function operationValueOffset(offset: number): number {
  return offset + OPERATION_HEADER_BYTES;
}

/** Where the key of an operation at `offset` starts. */
export function operationKeyOffset(offset: number, valueBytes: number): number {
  return offset + OPERATION_HEADER_BYTES + padTo4(valueBytes);
}

/**
 * Writes the header of an operation at word `word` of `words`, and zeroes the last word of value
 * and key, so that the padding is zero once their bytes are copied over it.
 */
export function writeOperationHeader(
  words: Int32Array,
  word: number,
  kind: OperationKind,
  flags: number,
  columnFamilyId: number,
  keyBytes: number,
  valueBytes: number,
): void {
  words[word] = kind | (flags << 8) | (keyBytes << 16);
  words[word + 1] = columnFamilyId;
  words[word + 2] = valueBytes;
  const keyWord = word + 3 + ((valueBytes + 3) >>> 2);
  if ((valueBytes & 3) !== 0) words[keyWord - 1] = 0;
  if ((keyBytes & 3) !== 0) words[keyWord + (keyBytes >>> 2)] = 0;
}

/**
 * Walks over the operations of one payload without making objects: `next` moves to the next
 * operation and fills the fields; offsets are positions in `bytes`.
 */
export class OperationCursor {
  bytes: Uint8Array = new Uint8Array(0);
  kind = 0;
  flags = 0;
  columnFamilyId = 0;
  keyOffset = 0;
  keyBytes = 0;
  valueOffset = 0;
  valueBytes = 0;
  /** Start of the operation after the current one. */
  position = 0;
  end = 0;
  source = '';

  /** `source` names the payload in an error. */
  reset(bytes: Uint8Array, start: number, end: number, source: string): void {
    assert(start <= end && end <= bytes.length, 'the payload lies inside its bytes');
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.source = source;
  }

  /** False at the end of the payload. Throws ERR_MANIFOLD_CORRUPT when the bytes make no sense. */
  next(): boolean {
    const { bytes, position, end } = this;
    if (position === end) return false;
    if (end - position < OPERATION_HEADER_BYTES) throw this.#damage('an operation is cut short');
    const kind = bytes[position + KIND_OFFSET];
    const flags = bytes[position + FLAGS_OFFSET];
    const keyBytes = readU16(bytes, position + KEY_BYTES_OFFSET);
    const valueBytes = readU32(bytes, position + VALUE_BYTES_OFFSET);
    const columnFamilyId = readU32(bytes, position + COLUMN_FAMILY_ID_OFFSET);
    if (!isPossible(kind, flags, keyBytes, valueBytes) || columnFamilyId > COLUMN_FAMILY_ID_MAX) {
      throw this.#damage(
        `impossible operation: kind ${kind}, key ${keyBytes}, value ${valueBytes}`,
      );
    }
    const bytesWhole = operationBytes(keyBytes, valueBytes);
    if (bytesWhole > end - position) throw this.#damage('an operation crosses the end');
    this.kind = kind;
    this.flags = flags;
    this.columnFamilyId = columnFamilyId;
    this.keyBytes = keyBytes;
    this.valueBytes = valueBytes;
    this.valueOffset = position + OPERATION_HEADER_BYTES;
    this.keyOffset = this.valueOffset + padTo4(valueBytes);
    this.position = position + bytesWhole;
    return true;
  }

  #damage(what: string): Error {
    return corrupt(this.source, this.position, what);
  }
}

function isPossible(kind: number, flags: number, keyBytes: number, valueBytes: number): boolean {
  switch (kind) {
    case OperationKind.PUT:
      return flags === 0 && keyBytes <= KEY_BYTES_MAX && valueBytes <= VALUE_BYTES_MAX;
    case OperationKind.DELETE:
      return flags === 0 && keyBytes <= KEY_BYTES_MAX && valueBytes === 0;
    case OperationKind.CREATE_FAMILY:
      return flags === 0 && keyBytes <= COLUMN_FAMILY_NAME_BYTES_MAX && valueBytes === 0;
    case OperationKind.DROP_FAMILY:
      return flags === 0 && keyBytes === 0 && valueBytes === 0;
    case OperationKind.CLEAR: {
      if (flags > CLEAR_FLAGS) return false;
      const isLowPossible =
        keyBytes <= BOUND_BYTES_MAX && ((flags & CLEAR_HAS_LOW) !== 0 || keyBytes === 0);
      const hasHigh = (flags & CLEAR_HAS_HIGH) !== 0;
      return isLowPossible && valueBytes <= BOUND_BYTES_MAX && (hasHigh || valueBytes === 0);
    }
    default:
      return false;
  }
}

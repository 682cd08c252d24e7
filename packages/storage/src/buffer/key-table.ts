/**
 * The hash table of a write buffer: from family and key to the key node. Open addressing, linear
 * probing, nothing is ever removed. It is filled in late, by look-ups (`hashMore`): who only writes
 * never pays for it. Run by the one thread that looks keys up.
 *
 * Invariants
 * 1. At least a quarter of the slots is empty (`room.ts` sees to it), so a probe ends.
 * 2. The table knows the keys of the first BUFFER_HASHED bytes of the data, and no others.
 */
import { OperationKind, operationKeyOffset, padTo4 } from '../format/operation.js';
import {
  BUFFER_DATA_USED,
  BUFFER_HASHED,
  HASH_SLOTS,
  HASH_UNIT_BITS,
  HASH_UNIT_MASK,
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_FAMILY,
  KEY_OFFSET,
  OPERATION_UNIT,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { hashOwnKey, isKeyEqual } from './keys.js';

const EMPTY_SLOT = 0;

/**
 * Takes up to `operationsMax` more operations of the data, which begins at byte `dataStart`, into
 * the table; whether it knows all of them now. `mask`: slot count - 1.
 */
export function hashMore(
  words: Int32Array,
  mask: number,
  dataStart: number,
  operationsMax: number,
): boolean {
  const end = dataStart + words[BUFFER_DATA_USED];
  let at = dataStart + words[BUFFER_HASHED];
  for (let left = operationsMax; at < end && left > 0; left--) {
    // The header of an operation (format/operation.ts), with a unit in place of the family id.
    const word = at >> 2;
    const first = words[word];
    const kind = first & 0xff;
    const keyBytes = first >>> 16;
    const keyOffset = operationKeyOffset(at, words[word + 2]);
    if (kind === OperationKind.PUT || kind === OperationKind.DELETE) {
      addToTable(words, mask, words[word + OPERATION_UNIT], keyOffset, keyBytes);
    }
    at = keyOffset + padTo4(keyBytes);
  }
  words[BUFFER_HASHED] = at - dataStart;
  return at === end;
}

function addToTable(
  words: Int32Array,
  mask: number,
  unit: number,
  keyOffset: number,
  keyBytes: number,
): void {
  const hash = hashOwnKey(
    words[(unit << UNIT_WORD_SHIFT) + KEY_FAMILY],
    words,
    keyOffset,
    keyBytes,
  );
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[HASH_SLOTS + at];
    if (slot === EMPTY_SLOT) {
      words[HASH_SLOTS + at] = ((hash >>> HASH_UNIT_BITS) << HASH_UNIT_BITS) | unit;
      return;
    }
    // A key has one node for good: an older operation has brought it here.
    if ((slot & HASH_UNIT_MASK) === unit) return;
  }
}

/** Unit of the node of the caller's key, or NO_UNIT: as far as the table knows. */
export function unitOfKey(
  u8: Uint8Array,
  words: Int32Array,
  mask: number,
  familyId: number,
  key: Uint8Array,
  keyBytes: number,
  hash: number,
): number {
  const tag = hash >>> HASH_UNIT_BITS;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[HASH_SLOTS + at];
    // An empty slot has NO_UNIT in it.
    if (slot === EMPTY_SLOT) return slot;
    if (slot >>> HASH_UNIT_BITS !== tag) continue;
    const unit = slot & HASH_UNIT_MASK;
    const node = unit << UNIT_WORD_SHIFT;
    if (
      words[node + KEY_FAMILY] === familyId &&
      (words[node + KEY_BYTES_KIND] & KEY_BYTES_MASK) === keyBytes &&
      isKeyEqual(u8, words[node + KEY_OFFSET], key, 0, keyBytes)
    ) {
      return unit;
    }
  }
}

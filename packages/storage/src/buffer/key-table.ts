/**
 * The hash table of a write buffer: from family and key to the key node. Open addressing, linear
 * probing, nothing is ever removed. Run by the thread that writes the buffer, and by readers.
 *
 * Invariant: at least a quarter of the slots is empty (`room.ts` sees to it), so a probe ends.
 */
import {
  HASH_SLOTS,
  HASH_UNIT_BITS,
  HASH_UNIT_MASK,
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_FAMILY,
  KEY_OFFSET,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { areOwnKeysEqual, isKeyEqual } from './keys.js';

export const EMPTY_SLOT = 0;

export function hashSlot(hash: number, unit: number): number {
  return ((hash >>> HASH_UNIT_BITS) << HASH_UNIT_BITS) | unit;
}

/**
 * Word of the hash slot that holds a key of the block, or of the empty slot where it belongs.
 * `mask`: slot count - 1.
 */
export function slotOfOwnKey(
  words: Int32Array,
  mask: number,
  familyId: number,
  keyOffset: number,
  keyBytes: number,
  hash: number,
): number {
  const tag = hash >>> HASH_UNIT_BITS;
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const slot = words[HASH_SLOTS + at];
    if (slot === EMPTY_SLOT) return HASH_SLOTS + at;
    if (slot >>> HASH_UNIT_BITS !== tag) continue;
    const node = (slot & HASH_UNIT_MASK) << UNIT_WORD_SHIFT;
    if (
      words[node + KEY_FAMILY] === familyId &&
      (words[node + KEY_BYTES_KIND] & KEY_BYTES_MASK) === keyBytes &&
      areOwnKeysEqual(words, words[node + KEY_OFFSET], keyOffset, keyBytes)
    ) {
      return HASH_SLOTS + at;
    }
  }
}

/** Unit of the node of the caller's key, or NO_UNIT. */
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

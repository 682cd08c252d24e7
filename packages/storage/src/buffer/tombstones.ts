/**
 * Range tombstones of a write buffer: what `clear(range)` leaves behind. Rows are added by the
 * thread that writes the buffer, in the order of their ordinals, and read by any.
 *
 * A tombstone covers what was there before it: versions of its family with a smaller ordinal, and
 * what older generations and the tree hold.
 */
import { assert } from '../assert.js';
import {
  CLEAR_HAS_HIGH,
  CLEAR_HAS_LOW,
  operationKeyOffset,
  operationValueOffset,
} from '../format/operation.js';
import {
  BUFFER_TOMBSTONES,
  TOMBSTONE_BYTES,
  TOMBSTONE_FAMILY,
  TOMBSTONE_FLAGS,
  TOMBSTONE_HIGH,
  TOMBSTONE_LOW,
  TOMBSTONE_ORDINAL,
  TOMBSTONE_ROWS,
  TOMBSTONE_SEQUENCE,
  TOMBSTONE_WORDS,
} from '../layout/write-buffer.js';
import { WRITE_BUFFER_TOMBSTONES_MAX } from '../limits.js';
import { loadWideOwned, storeWideOwned } from '../sync/wide.js';
import { compareKey } from './keys.js';

/** Low bound inclusive, high bound exclusive; `undefined`: no bound on that side. */
export interface BufferRange {
  readonly low: Uint8Array | undefined;
  readonly high: Uint8Array | undefined;
}

/** Takes in the CLEAR operation at `ordinal`. */
export function addTombstone(
  words: Int32Array,
  familyId: number,
  ordinal: number,
  flags: number,
  lowBytes: number,
  highBytes: number,
  sequence: number,
): void {
  const index = words[BUFFER_TOMBSTONES];
  assert(index < WRITE_BUFFER_TOMBSTONES_MAX, 'a tombstone has a row');
  const row = TOMBSTONE_ROWS + index * TOMBSTONE_WORDS;
  words[row + TOMBSTONE_FAMILY] = familyId;
  words[row + TOMBSTONE_ORDINAL] = ordinal;
  words[row + TOMBSTONE_FLAGS] = flags;
  words[row + TOMBSTONE_BYTES] = lowBytes | (highBytes << 16);
  words[row + TOMBSTONE_LOW] = operationKeyOffset(ordinal, highBytes);
  words[row + TOMBSTONE_HIGH] = operationValueOffset(ordinal);
  storeWideOwned(words, row + TOMBSTONE_SEQUENCE, sequence);
  words[BUFFER_TOMBSTONES] = index + 1;
}

/** Whether the range of the tombstone row has `key[at .. at + bytes)` in it. */
function isInRange(
  u8: Uint8Array,
  words: Int32Array,
  row: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): boolean {
  const flags = words[row + TOMBSTONE_FLAGS];
  const lengths = words[row + TOMBSTONE_BYTES];
  if (
    (flags & CLEAR_HAS_LOW) !== 0 &&
    compareKey(key, at, bytes, u8, words[row + TOMBSTONE_LOW], lengths & 0xffff) < 0
  ) {
    return false;
  }
  return (
    (flags & CLEAR_HAS_HIGH) === 0 ||
    compareKey(key, at, bytes, u8, words[row + TOMBSTONE_HIGH], lengths >>> 16) < 0
  );
}

/** Whether a tombstone visible at `sequenceMax` covers the key's version of this ordinal. */
export function isCovered(
  u8: Uint8Array,
  words: Int32Array,
  familyId: number,
  key: Uint8Array,
  at: number,
  bytes: number,
  ordinal: number,
  sequenceMax: number,
): boolean {
  for (let index = words[BUFFER_TOMBSTONES] - 1; index >= 0; index--) {
    const row = TOMBSTONE_ROWS + index * TOMBSTONE_WORDS;
    // All rows before this one are older than the version, too.
    if (words[row + TOMBSTONE_ORDINAL] < ordinal) return false;
    if (words[row + TOMBSTONE_FAMILY] !== familyId) continue;
    if (loadWideOwned(words, row + TOMBSTONE_SEQUENCE) > sequenceMax) continue;
    if (isInRange(u8, words, row, key, at, bytes)) return true;
  }
  return false;
}

/** Whether the family has a tombstone with a sequence <= `sequenceMax`. */
export function hasTombstones(words: Int32Array, familyId: number, sequenceMax: number): boolean {
  for (let index = 0; index < words[BUFFER_TOMBSTONES]; index++) {
    const row = TOMBSTONE_ROWS + index * TOMBSTONE_WORDS;
    if (
      words[row + TOMBSTONE_FAMILY] === familyId &&
      loadWideOwned(words, row + TOMBSTONE_SEQUENCE) <= sequenceMax
    ) {
      return true;
    }
  }
  return false;
}

/** Copies of the family's ranges with above < sequence <= upTo, the oldest first. */
export function tombstoneRanges(
  u8: Uint8Array,
  words: Int32Array,
  familyId: number,
  above: number,
  upTo: number,
): BufferRange[] {
  const ranges: BufferRange[] = [];
  for (let index = 0; index < words[BUFFER_TOMBSTONES]; index++) {
    const row = TOMBSTONE_ROWS + index * TOMBSTONE_WORDS;
    if (words[row + TOMBSTONE_FAMILY] !== familyId) continue;
    const sequence = loadWideOwned(words, row + TOMBSTONE_SEQUENCE);
    if (sequence <= above || sequence > upTo) continue;
    const flags = words[row + TOMBSTONE_FLAGS];
    const lengths = words[row + TOMBSTONE_BYTES];
    const low = words[row + TOMBSTONE_LOW];
    const high = words[row + TOMBSTONE_HIGH];
    ranges.push({
      low: (flags & CLEAR_HAS_LOW) === 0 ? undefined : copyOf(u8, low, lengths & 0xffff),
      high: (flags & CLEAR_HAS_HIGH) === 0 ? undefined : copyOf(u8, high, lengths >>> 16),
    });
  }
  return ranges;
}

/** `slice` of a view of shared memory would be shared, too. */
function copyOf(u8: Uint8Array, offset: number, bytes: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(u8.subarray(offset, offset + bytes));
  return copy;
}

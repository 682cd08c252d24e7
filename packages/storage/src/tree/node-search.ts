/**
 * Search inside one node. Free functions over the views of a region and byte offsets: no object is
 * made per key. `key[at .. at + bytes)` is the searched key.
 *
 * A search answers with a slot >= 0 when the key is there, else with `~position` (the slot before
 * which it belongs, or the slot count).
 */
import { ManifoldError } from '../errors.js';
import {
  BRANCH_TAIL,
  HEAD_BIAS,
  HEAD_BYTES,
  LEAF_TAIL,
  PREFIX_OFFSET,
  WORD_COUNTS,
  WORD_PAGE,
  slotWord,
} from './node-layout.js';

/** Biased head of `bytes` key bytes from `at` on, as it stands in a slot. */
export function keyHead(key: Uint8Array, at: number, bytes: number): number {
  let head = 0;
  if (at + HEAD_BYTES <= key.length) {
    head = (key[at]! << 24) | (key[at + 1]! << 16) | (key[at + 2]! << 8) | key[at + 3]!;
    // A shift by 32 would be one by 0.
    if (bytes < HEAD_BYTES) head = bytes === 0 ? 0 : head & (-1 << (32 - 8 * bytes));
  } else {
    for (let i = 0; i < bytes; i++) head |= key[at + i]! << (24 - 8 * i);
  }
  return head ^ HEAD_BIAS;
}

/**
 * 0 when the key begins with the node's prefix; negative when it stands before every key of the
 * node, positive when behind.
 */
export function comparePrefix(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const word = base >> 2;
  const prefix = i32[word + WORD_COUNTS]! >>> 16;
  if (prefix === 0) return 0;
  const from = base + PREFIX_OFFSET;
  const shared = bytes < prefix ? bytes : prefix;
  for (let i = 0; i < shared; i++) {
    const difference = key[at + i]! - u8[from + i]!;
    if (difference !== 0) return difference;
  }
  return bytes < prefix ? -1 : 0;
}

/** Compares what is behind two equal heads; `at`, `bytes`: the key behind the prefix. */
function compareTail(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  tailAt: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const location = i32[slotWord(i32, base, slot) + 1]!;
  const suffix = location >>> 16;
  const shorter = bytes < suffix ? bytes : suffix;
  if (shorter > HEAD_BYTES) {
    const tail = base + ((location & 0xffff) << 2) + tailAt - HEAD_BYTES;
    // A forged page may point anywhere; the view is never left.
    if (tail + shorter > u8.length) throw cellOutside(i32, base, slot);
    for (let i = HEAD_BYTES; i < shorter; i++) {
      const difference = key[at + i]! - u8[tail + i]!;
      if (difference !== 0) return difference;
    }
  }
  return bytes - suffix;
}

function cellOutside(i32: Int32Array, base: number, slot: number): ManifoldError {
  const page = i32[(base >> 2) + WORD_PAGE]!;
  return new ManifoldError('ERR_MANIFOLD_CORRUPT', `page ${page}: slot ${slot} leaves the page`);
}

/** Compares the key with the one in `slot`: its sign is that of key - slot key. */
export function compareSlot(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  tailAt: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const outside = comparePrefix(u8, i32, base, key, at, bytes);
  if (outside !== 0) return outside;
  const prefix = i32[(base >> 2) + WORD_COUNTS]! >>> 16;
  return compareSuffix(u8, i32, base, slot, tailAt, key, at + prefix, bytes - prefix);
}

/** `compareSlot` for a key that is known to share the prefix; `at`, `bytes`: what is behind it. */
export function compareSuffix(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  tailAt: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const head = keyHead(key, at, bytes);
  const slotHead = i32[slotWord(i32, base, slot)]!;
  if (head !== slotHead) return head < slotHead ? -1 : 1;
  return compareTail(u8, i32, base, slot, tailAt, key, at, bytes);
}

/** Binary search among slots `first..` of a node whose cells have their tail at `tailAt`. */
function searchFrom(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  first: number,
  tailAt: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const word = base >> 2;
  const count = i32[word + WORD_COUNTS]! & 0xffff;
  const outside = comparePrefix(u8, i32, base, key, at, bytes);
  if (outside !== 0) return outside < 0 ? ~first : ~count;
  const prefix = i32[word + WORD_COUNTS]! >>> 16;
  const rest = bytes - prefix;
  const head = keyHead(key, at + prefix, rest);
  const slots = slotWord(i32, base, 0);
  let low = first;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const slotHead = i32[slots + (middle << 1)]!;
    if (slotHead < head) low = middle + 1;
    else if (slotHead > head) high = middle;
    else {
      const order = compareTail(u8, i32, base, middle, tailAt, key, at + prefix, rest);
      if (order === 0) return middle;
      if (order > 0) low = middle + 1;
      else high = middle;
    }
  }
  return ~low;
}

export function searchLeaf(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  return searchFrom(u8, i32, base, 0, LEAF_TAIL, key, at, bytes);
}

/** As `searchLeaf`, among the separators (slots from 1 on). */
export function searchBranch(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  return searchFrom(u8, i32, base, 1, BRANCH_TAIL, key, at, bytes);
}

/** Slot of the child that the key is routed to. */
export function childSlot(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const slot = searchFrom(u8, i32, base, 1, BRANCH_TAIL, key, at, bytes);
  // ~position - 1 is the last separator not above the key.
  return slot >= 0 ? slot : -slot - 2;
}

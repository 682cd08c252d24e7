/**
 * Nodes of the ordered index of one column family in a write buffer: a B+ tree whose entries point
 * to key nodes. Run by the thread that writes the buffer, and by readers.
 *
 * Node: 16 units, 128 words. Header:
 * | 0 NODE_COUNT | 1 NODE_PREFIX_BYTES | 2 NODE_PREFIX: where in the data these bytes stand | 3 NODE_PREVIOUS | 4 NODE_NEXT: neighbours of the same level, units | 5 to 7 NODE_PREFIX_START: the first bytes of the prefix, so that most searches need not look at the data |
 * Leaf: heads, units of key nodes. Branch: heads, units of key nodes (the separators), units of
 * child nodes. Each is an array of its own, so that a binary search stays in few cache lines.
 * Branches have no NODE_PREVIOUS. Levels count from the leaves, which are level 0; the way down
 * from the root (FAMILY_TOP) tells the level of a node.
 *
 * A head is the first 4 key bytes behind the prefix, big-endian, zero padded, biased so that Int32
 * order is byte order.
 *
 * Invariants
 * 1. Every compared key of a node begins with its prefix; the prefix need not be the longest one.
 * 2. Entry 0 of a branch is below everything and never compared (`firstCompared`).
 * 3. The separator of entry i is above every key of child i - 1 and not above any key of child i.
 * 4. A node that is not the last of its level has at least LEAF_MIN or BRANCH_MIN entries:
 *    `room.ts` counts on it.
 */
import { assert } from '../assert.js';
import {
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_OFFSET,
  UNIT_BYTES,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { HEAD_BYTES } from '../tree/node-layout.js';
import { keyHead } from '../tree/node-search.js';
import { commonOwnBytes, compareKey } from './keys.js';

export const NODE_BYTES = 512;
export const NODE_UNITS = NODE_BYTES / UNIT_BYTES;
const NODE_WORDS = NODE_BYTES >> 2;

export const NODE_COUNT = 0;
export const NODE_PREFIX_BYTES = 1;
export const NODE_PREFIX = 2;
export const NODE_PREVIOUS = 3;
export const NODE_NEXT = 4;
export const NODE_PREFIX_START = 5;
export const NODE_HEADS = 8;
const PREFIX_START_BYTES = (NODE_HEADS - NODE_PREFIX_START) << 2;

export const LEAF_ENTRIES = (NODE_WORDS - NODE_HEADS) / 2;
export const LEAF_MIN = LEAF_ENTRIES / 2;
const LEAF_UNITS = NODE_HEADS + LEAF_ENTRIES;

export const BRANCH_ENTRIES = (NODE_WORDS - NODE_HEADS) / 3;
export const BRANCH_MIN = BRANCH_ENTRIES / 2;
const BRANCH_UNITS = NODE_HEADS + BRANCH_ENTRIES;
export const BRANCH_CHILDREN = BRANCH_UNITS + BRANCH_ENTRIES;

assert(Number.isInteger(LEAF_MIN) && Number.isInteger(BRANCH_MIN), 'a node is cut into halves');

/** Where the units of the keys stand in a node of this level. */
export function unitsAt(level: number): number {
  return level === 0 ? LEAF_UNITS : BRANCH_UNITS;
}

/** First entry whose key is compared. */
export function firstCompared(level: number): number {
  return level === 0 ? 0 : 1;
}

/** Word of the key node of an entry. */
export function entryKey(words: Int32Array, node: number, units: number, entry: number): number {
  return words[node + units + entry] << UNIT_WORD_SHIFT;
}

export function keyBytesOf(words: Int32Array, keyNode: number): number {
  return words[keyNode + KEY_BYTES_KIND] & KEY_BYTES_MASK;
}

/** Head, behind `prefix` bytes, of the key that a key node stands for. */
export function headOf(u8: Uint8Array, words: Int32Array, keyNode: number, prefix: number): number {
  return keyHead(u8, words[keyNode + KEY_OFFSET] + prefix, keyBytesOf(words, keyNode) - prefix);
}

/** Bytes of the node's prefix that the key shares. */
export function sharedPrefix(words: Int32Array, node: number, keyNode: number): number {
  return commonOwnBytes(
    words,
    words[node + NODE_PREFIX],
    words[node + NODE_PREFIX_BYTES],
    words[keyNode + KEY_OFFSET],
    keyBytesOf(words, keyNode),
  );
}

/** Gives the node another prefix: one that all its compared keys have. */
export function setPrefix(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  prefixAt: number,
  prefix: number,
): void {
  const units = unitsAt(level);
  const count = words[node + NODE_COUNT];
  words[node + NODE_PREFIX_BYTES] = prefix;
  words[node + NODE_PREFIX] = prefixAt;
  // What stands behind a short prefix comes along and is never looked at.
  for (let word = NODE_PREFIX_START; word < NODE_HEADS; word++) {
    words[node + word] = words[(prefixAt >> 2) + word - NODE_PREFIX_START];
  }
  for (let entry = firstCompared(level); entry < count; entry++) {
    words[node + NODE_HEADS + entry] = headOf(
      u8,
      words,
      entryKey(words, node, units, entry),
      prefix,
    );
  }
}

/** 0 when the key begins with the prefix; else the sign of key - every key of the node. */
function comparePrefix(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  prefix: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const from =
    prefix <= PREFIX_START_BYTES ? (node + NODE_PREFIX_START) << 2 : words[node + NODE_PREFIX];
  return compareKey(key, at, bytes < prefix ? bytes : prefix, u8, from, prefix);
}

/** As `comparePrefix`, of a key of the block: by words. */
function compareOwnPrefix(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  prefix: number,
  at: number,
  bytes: number,
): number {
  const from =
    prefix <= PREFIX_START_BYTES ? (node + NODE_PREFIX_START) << 2 : words[node + NODE_PREFIX];
  const common = commonOwnBytes(words, from, prefix, at, bytes);
  if (common === prefix) return 0;
  return common === bytes ? -1 : u8[at + common] - u8[from + common];
}

/** Compares keys whose prefix and head are equal: what is behind, then the lengths. */
function compareBehindHead(
  u8: Uint8Array,
  words: Int32Array,
  keyNode: number,
  skip: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const entryBytes = keyBytesOf(words, keyNode);
  // A head may be longer than what is left of a key: then only the lengths differ.
  if (bytes <= skip || entryBytes <= skip) return bytes - entryBytes;
  const offset = words[keyNode + KEY_OFFSET];
  return compareKey(key, at + skip, bytes - skip, u8, offset + skip, entryBytes - skip);
}

/**
 * Looks for `key[at .. at + bytes)` among the compared entries of a node: the entry that has it, or
 * `~position` of the first one above it.
 */
export function searchNode(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const prefix = words[node + NODE_PREFIX_BYTES];
  const outside = comparePrefix(u8, words, node, prefix, key, at, bytes);
  if (outside !== 0) return outside < 0 ? ~firstCompared(level) : ~words[node + NODE_COUNT];
  return searchHeads(u8, words, node, level, prefix, key, at, bytes);
}

/** As `searchNode`, for a key of the block. */
export function searchNodeForOwnKey(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  at: number,
  bytes: number,
): number {
  const prefix = words[node + NODE_PREFIX_BYTES];
  const outside = compareOwnPrefix(u8, words, node, prefix, at, bytes);
  if (outside !== 0) return outside < 0 ? ~firstCompared(level) : ~words[node + NODE_COUNT];
  return searchHeads(u8, words, node, level, prefix, u8, at, bytes);
}

/** `searchNode` for a key that has the node's prefix. */
function searchHeads(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  prefix: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const head = keyHead(key, at + prefix, bytes - prefix);
  const heads = node + NODE_HEADS;
  const count = words[node + NODE_COUNT];
  let position = firstCompared(level);
  // The first head that is not below. The comparison is added, not branched on: which way it goes
  // is a coin toss for keys in random order, and a wrong guess costs more than a step.
  let left = count - position;
  while (left > 0) {
    const half = (left + 1) >> 1;
    const isBelow = Number(words[heads + position + half - 1] < head);
    position += half & -isBelow;
    left -= half;
  }
  if (position === count || words[heads + position] !== head) return ~position;
  return searchEqualHeads(u8, words, node, level, position, count, head, prefix, key, at, bytes);
}

/** Goes on among the entries from `first` on whose head is the key's. */
function searchEqualHeads(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  first: number,
  count: number,
  head: number,
  prefix: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  let low = first;
  let high = first + 1;
  while (high < count && words[node + NODE_HEADS + high] === head) high += 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const keyNode = entryKey(words, node, unitsAt(level), middle);
    const skip = prefix + HEAD_BYTES;
    const order = compareBehindHead(u8, words, keyNode, skip, key, at, bytes);
    if (order === 0) return middle;
    if (order > 0) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** Entry of a branch whose child a key is routed to, from what a search in it answered. */
export function routeOf(found: number): number {
  return found >= 0 ? found : ~found - 1;
}

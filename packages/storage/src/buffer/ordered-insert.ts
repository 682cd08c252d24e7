/**
 * Putting a key into the ordered index of its family. Run by the thread that writes the buffer.
 * Nothing is ever removed from an index: a deleted key is a version.
 *
 * A key behind all others takes a fast path: it is appended to the last leaf, and a full last leaf
 * stays full while the key opens a new one. All other splits cut a node in two halves.
 */
import { assert } from '../assert.js';
import {
  BUFFER_BRANCHES,
  BUFFER_LEAVES,
  FAMILY_FIRST_LEAF,
  FAMILY_LAST_LEAF,
  FAMILY_ROOT,
  FAMILY_TOP,
  KEY_OFFSET,
  NO_UNIT,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { commonOwnBytes } from './keys.js';
import {
  BRANCH_CHILDREN,
  BRANCH_ENTRIES,
  BRANCH_MIN,
  LEAF_ENTRIES,
  LEAF_MIN,
  NODE_COUNT,
  NODE_HEADS,
  NODE_NEXT,
  NODE_PREFIX,
  NODE_PREFIX_BYTES,
  NODE_PREFIX_START,
  NODE_PREVIOUS,
  NODE_UNITS,
  entryKey,
  firstCompared,
  headOf,
  keyBytesOf,
  routeOf,
  searchNodeForOwnKey,
  setPrefix,
  sharedPrefix,
  unitsAt,
} from './ordered-node.js';
import { takeUnits } from './units.js';

/** Levels of an index: more than the keys of the largest block need. */
export const INDEX_LEVELS_MAX = 8;
/** So much longer must a prefix get before the heads of a node are made anew. */
const PREFIX_GAIN_MIN = 1;

const LEAF_UNITS = unitsAt(0);
/** Way from the root to a leaf, by level: words of the nodes and the entries taken. */
const pathNodes = new Int32Array(INDEX_LEVELS_MAX);
const pathEntries = new Int32Array(INDEX_LEVELS_MAX);

/**
 * Puts the key in, unless it is there already. `family`: word of the family row; `unit`: the unit
 * taken last, a key node of which KEY_OFFSET and KEY_BYTES_KIND are filled in. Returns the unit of
 * the node that has stood for the key before, or NO_UNIT when it is `unit` from now on.
 */
export function insertKey(u8: Uint8Array, words: Int32Array, family: number, unit: number): number {
  const keyNode = unit << UNIT_WORD_SHIFT;
  const lastLeaf = words[family + FAMILY_LAST_LEAF];
  if (lastLeaf === NO_UNIT) {
    const first = makeNode(words, 0);
    words[family + FAMILY_ROOT] = first;
    words[family + FAMILY_FIRST_LEAF] = first;
    words[family + FAMILY_LAST_LEAF] = first;
    insertAt(u8, words, first << UNIT_WORD_SHIFT, 0, 0, unit);
    return NO_UNIT;
  }
  const leaf = lastLeaf << UNIT_WORD_SHIFT;
  const last = entryKey(words, leaf, LEAF_UNITS, words[leaf + NODE_COUNT] - 1);
  const at = words[keyNode + KEY_OFFSET];
  const bytes = keyBytesOf(words, keyNode);
  const lastAt = words[last + KEY_OFFSET];
  const lastBytes = keyBytesOf(words, last);
  const common = commonOwnBytes(words, lastAt, lastBytes, at, bytes);
  if (common === lastBytes && common === bytes) return last >> UNIT_WORD_SHIFT;
  const isLongerOnly = common === lastBytes;
  const isBehind = isLongerOnly || (common < bytes && u8[lastAt + common] < u8[at + common]);
  if (!isBehind) return insertSorted(u8, words, family, unit, at, bytes);
  append(u8, words, family, leaf, unit, common);
  return NO_UNIT;
}

/** `common`: bytes that the key shares with the last one. */
function append(
  u8: Uint8Array,
  words: Int32Array,
  family: number,
  leaf: number,
  unit: number,
  common: number,
): void {
  const count = words[leaf + NODE_COUNT];
  if (count < LEAF_ENTRIES) {
    const keyNode = unit << UNIT_WORD_SHIFT;
    if (common < words[leaf + NODE_PREFIX_BYTES]) {
      setPrefix(u8, words, leaf, 0, words[leaf + NODE_PREFIX], common);
    }
    const head = headOf(u8, words, keyNode, words[leaf + NODE_PREFIX_BYTES]);
    words[leaf + NODE_HEADS + count] = head;
    words[leaf + LEAF_UNITS + count] = unit;
    words[leaf + NODE_COUNT] = count + 1;
    return;
  }
  const right = makeNode(words, 0);
  const rightLeaf = right << UNIT_WORD_SHIFT;
  linkBehind(words, family, leaf, right);
  insertAt(u8, words, rightLeaf, 0, 0, unit);
  // The keys to come will differ from this one about where it differs from the one before.
  setPrefix(u8, words, rightLeaf, 0, words[(unit << UNIT_WORD_SHIFT) + KEY_OFFSET], common);
  let node = words[family + FAMILY_ROOT] << UNIT_WORD_SHIFT;
  for (let level = words[family + FAMILY_TOP]; level > 0; level--) {
    const entry = words[node + NODE_COUNT] - 1;
    pathNodes[level] = node;
    pathEntries[level] = entry;
    node = words[node + BRANCH_CHILDREN + entry] << UNIT_WORD_SHIFT;
  }
  insertChild(u8, words, family, right, unit);
}

/** As `insertKey`, of a key that is not behind all others. */
function insertSorted(
  u8: Uint8Array,
  words: Int32Array,
  family: number,
  unit: number,
  at: number,
  bytes: number,
): number {
  let node = words[family + FAMILY_ROOT] << UNIT_WORD_SHIFT;
  for (let level = words[family + FAMILY_TOP]; level > 0; level--) {
    const entry = routeOf(searchNodeForOwnKey(u8, words, node, level, at, bytes));
    pathNodes[level] = node;
    pathEntries[level] = entry;
    node = words[node + BRANCH_CHILDREN + entry] << UNIT_WORD_SHIFT;
  }
  const found = searchNodeForOwnKey(u8, words, node, 0, at, bytes);
  if (found >= 0) return words[node + LEAF_UNITS + found];
  const position = ~found;
  if (words[node + NODE_COUNT] < LEAF_ENTRIES) {
    insertAt(u8, words, node, 0, position, unit);
    return NO_UNIT;
  }
  const right = makeNode(words, 0);
  const rightLeaf = right << UNIT_WORD_SHIFT;
  linkBehind(words, family, node, right);
  moveHalf(u8, words, node, rightLeaf, 0, LEAF_MIN);
  if (position <= LEAF_MIN) insertAt(u8, words, node, 0, position, unit);
  else insertAt(u8, words, rightLeaf, 0, position - LEAF_MIN, unit);
  insertChild(u8, words, family, right, words[rightLeaf + LEAF_UNITS]);
  return NO_UNIT;
}

/** Makes `right` the leaf behind `leaf`. */
function linkBehind(words: Int32Array, family: number, leaf: number, right: number): void {
  const rightLeaf = right << UNIT_WORD_SHIFT;
  const next = words[leaf + NODE_NEXT];
  words[rightLeaf + NODE_PREVIOUS] = leaf >> UNIT_WORD_SHIFT;
  words[rightLeaf + NODE_NEXT] = next;
  words[leaf + NODE_NEXT] = right;
  if (next === NO_UNIT) words[family + FAMILY_LAST_LEAF] = right;
  else words[(next << UNIT_WORD_SHIFT) + NODE_PREVIOUS] = right;
}

/** Puts a split's right half, whose keys begin at the key of `separator`, above its left half. */
function insertChild(
  u8: Uint8Array,
  words: Int32Array,
  family: number,
  firstChild: number,
  firstSeparator: number,
): void {
  let child = firstChild;
  let separator = firstSeparator;
  const root = words[family + FAMILY_ROOT] << UNIT_WORD_SHIFT;
  const top = words[family + FAMILY_TOP];
  for (let level = 1; level <= top; level++) {
    const node = pathNodes[level];
    const position = pathEntries[level] + 1;
    if (words[node + NODE_COUNT] < BRANCH_ENTRIES) {
      insertChildAt(u8, words, node, level, position, separator, child);
      return;
    }
    const right = makeNode(words, level);
    const rightNode = right << UNIT_WORD_SHIFT;
    const isLast = words[node + NODE_NEXT] === NO_UNIT;
    words[rightNode + NODE_NEXT] = words[node + NODE_NEXT];
    words[node + NODE_NEXT] = right;
    if (isLast && position === BRANCH_ENTRIES) {
      insertChildAt(u8, words, rightNode, level, 0, separator, child);
    } else {
      moveHalf(u8, words, node, rightNode, level, BRANCH_MIN);
      if (position <= BRANCH_MIN) insertChildAt(u8, words, node, level, position, separator, child);
      else insertChildAt(u8, words, rightNode, level, position - BRANCH_MIN, separator, child);
      separator = words[rightNode + unitsAt(level)];
    }
    child = right;
  }
  assert(top + 1 < INDEX_LEVELS_MAX, 'an index of this size is not higher');
  const higher = makeNode(words, top + 1);
  const higherNode = higher << UNIT_WORD_SHIFT;
  insertChildAt(u8, words, higherNode, top + 1, 0, separator, root >> UNIT_WORD_SHIFT);
  insertChildAt(u8, words, higherNode, top + 1, 1, separator, child);
  words[family + FAMILY_ROOT] = higher;
  words[family + FAMILY_TOP] = top + 1;
}

function makeNode(words: Int32Array, level: number): number {
  const unit = takeUnits(words, NODE_UNITS);
  const node = unit << UNIT_WORD_SHIFT;
  // The block is not zeroed when it is used again.
  for (let word = 0; word < NODE_HEADS; word++) words[node + word] = 0;
  words[level === 0 ? BUFFER_LEAVES : BUFFER_BRANCHES] += 1;
  return unit;
}

/** Makes a place for an entry in a node that is not full and puts key and head there. */
function insertAt(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  position: number,
  unit: number,
): void {
  const count = words[node + NODE_COUNT];
  const keyNode = unit << UNIT_WORD_SHIFT;
  const first = firstCompared(level);
  if (count <= first) {
    // No key is compared here yet: a prefix that would not fit later ones is shortened then.
    const prefix = keyBytesOf(words, keyNode);
    setPrefix(u8, words, node, level, words[keyNode + KEY_OFFSET], prefix);
  } else if (position === first || position === count) {
    // Between two keys that have the prefix every key has it.
    const shared = sharedPrefix(words, node, keyNode);
    if (shared < words[node + NODE_PREFIX_BYTES]) {
      setPrefix(u8, words, node, level, words[node + NODE_PREFIX], shared);
    }
  }
  shiftRight(words, node + NODE_HEADS, position, count);
  words[node + NODE_HEADS + position] = headOf(u8, words, keyNode, words[node + NODE_PREFIX_BYTES]);
  const units = node + unitsAt(level);
  shiftRight(words, units, position, count);
  words[units + position] = unit;
  words[node + NODE_COUNT] = count + 1;
}

function insertChildAt(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  level: number,
  position: number,
  separator: number,
  child: number,
): void {
  shiftRight(words, node + BRANCH_CHILDREN, position, words[node + NODE_COUNT]);
  words[node + BRANCH_CHILDREN + position] = child;
  insertAt(u8, words, node, level, position, separator);
}

function shiftRight(words: Int32Array, start: number, position: number, count: number): void {
  for (let i = start + count; i > start + position; i--) words[i] = words[i - 1];
}

/** Moves the entries from `keep` on into the empty node `right`. */
function moveHalf(
  u8: Uint8Array,
  words: Int32Array,
  node: number,
  right: number,
  level: number,
  keep: number,
): void {
  const moved = words[node + NODE_COUNT] - keep;
  const units = unitsAt(level);
  for (let i = 0; i < moved; i++) {
    words[right + NODE_HEADS + i] = words[node + NODE_HEADS + keep + i];
    words[right + units + i] = words[node + units + keep + i];
    if (level > 0) {
      words[right + BRANCH_CHILDREN + i] = words[node + BRANCH_CHILDREN + keep + i];
    }
  }
  words[right + NODE_PREFIX_BYTES] = words[node + NODE_PREFIX_BYTES];
  words[right + NODE_PREFIX] = words[node + NODE_PREFIX];
  for (let word = NODE_PREFIX_START; word < NODE_HEADS; word++) {
    words[right + word] = words[node + word];
  }
  words[right + NODE_COUNT] = moved;
  words[node + NODE_COUNT] = keep;
  lengthenPrefix(u8, words, node, level);
  lengthenPrefix(u8, words, right, level);
}

/** Takes the longest prefix when it is worth making the heads anew. */
function lengthenPrefix(u8: Uint8Array, words: Int32Array, node: number, level: number): void {
  const units = unitsAt(level);
  const first = entryKey(words, node, units, firstCompared(level));
  const last = entryKey(words, node, units, words[node + NODE_COUNT] - 1);
  const firstAt = words[first + KEY_OFFSET];
  const lastAt = words[last + KEY_OFFSET];
  const common = commonOwnBytes(
    words,
    firstAt,
    keyBytesOf(words, first),
    lastAt,
    keyBytesOf(words, last),
  );
  if (common >= words[node + NODE_PREFIX_BYTES] + PREFIX_GAIN_MIN) {
    setPrefix(u8, words, node, level, firstAt, common);
  }
}

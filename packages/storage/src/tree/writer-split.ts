/**
 * Making room in a full node: compaction, a longer prefix, a split. Functions over a `WriterPath`,
 * run by the thread that owns its diff.
 *
 * A split never places the new entry. It cuts the node so that the entry fits where it belongs,
 * gives the path up, and the writer starts again from the root: every step leaves a valid tree, and
 * a parent without room is itself split first, in the same way. Splits are rare enough for the
 * extra descent not to show.
 */
import { PageKind } from '../format/page-header.js';
import { commonBytes, copyBytes } from './copy-bytes.js';
import { appendEntries, compactNode, rebuildNode } from './node-build.js';
import { cellBytes, initNode, insertChild, removeSlots } from './node-edit.js';
import {
  PREFIX_OFFSET,
  SLOT_BYTES,
  align4,
  branchCellBytes,
  cellAt,
  childCount,
  freeBytes,
  gapBytes,
  leafCellBytes,
  nodeFlags,
  prefixBytes,
  setChild,
  setChildCount,
  slotCount,
  slotWord,
} from './node-layout.js';
import { corruptPage, entriesBytes, liveBytes } from './node-read.js';
import { comparePrefix } from './node-search.js';
import {
  NO_FENCE,
  OPEN_FENCE,
  type WriterPath,
  choosePrefix,
  entriesBelow,
  mayOverflow,
} from './writer-path.js';

/** A longer prefix is worth a rebuild instead of a split when it frees this part of the page. */
const PREFIX_GAIN_SHIFT = 3;

/** Which end of a node the insertions run to. */
export const Run = { DESCENDING: -1, NONE: 0, ASCENDING: 1 } as const;
export type Run = (typeof Run)[keyof typeof Run];

/** Bytes of a leaf entry, slot included. */
function leafEntryBytes(stored: number, suffix: number): number {
  return SLOT_BYTES + leafCellBytes(stored, suffix);
}

/** Bytes of a branch entry with this suffix, slot included. */
function childEntryBytes(suffix: number): number {
  return SLOT_BYTES + branchCellBytes(suffix);
}

/**
 * Brings room for a new leaf entry with `stored` bytes of value one step nearer; the caller
 * then looks the key up again.
 */
export function makeLeafRoom(
  path: WriterPath,
  position: number,
  stored: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): void {
  const { leafU8: u8, leafI32: i32, leafBase: base } = path;
  if (comparePrefix(u8, i32, base, key, at, bytes) !== 0) {
    shortenLeafPrefix(path, position, stored, key, at, bytes);
    return;
  }
  const entryBytes = leafEntryBytes(stored, bytes - prefixBytes(i32, base));
  if (freeBytes(i32, base) >= entryBytes) {
    compactNode(u8, i32, base, path.pager.pageBytes, true);
    return;
  }
  if (lengthenPrefix(path, 0, key, at, bytes)) return;
  const count = slotCount(i32, base);
  let run: Run = Run.NONE;
  if (position === count && (path.upperLevel === OPEN_FENCE || path.lastPosition === count - 1)) {
    run = Run.ASCENDING;
  } else if (position === 0 && (path.lowerLevel === OPEN_FENCE || path.lastPosition === 0)) {
    run = Run.DESCENDING;
  }
  splitLeaf(path, position, entryBytes, run, key, at, bytes);
}

/** The new key does not share the leaf's prefix: a shorter one, or a leaf of its own. */
function shortenLeafPrefix(
  path: WriterPath,
  position: number,
  stored: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): void {
  const { leafU8: u8, leafI32: i32, leafBase: base } = path;
  const current = prefixBytes(i32, base);
  const shared = commonBytes(u8, base + PREFIX_OFFSET, current, key, at, bytes);
  const entryBytes = leafEntryBytes(stored, bytes - shared);
  if (bytesWithPrefix(i32, base, true, shared) + entryBytes <= path.capacity) {
    rebuildWithPrefix(path, 0, shared);
    return;
  }
  const run = position === 0 ? Run.DESCENDING : Run.ASCENDING;
  splitLeaf(path, position, entryBytes, run, key, at, bytes);
}

/** Bytes of a node's slots, cells and prefix if the prefix had another length. */
function bytesWithPrefix(i32: Int32Array, base: number, leaf: boolean, length: number): number {
  const longer = length - prefixBytes(i32, base);
  return entriesBytes(i32, base, 0, slotCount(i32, base), leaf, longer) + align4(length);
}

/** Rebuilds the node at `level` with the first `length` bytes that all its keys share. */
function rebuildWithPrefix(path: WriterPath, level: number, length: number): void {
  const frame = path.frames[level]!;
  const u8 = path.u8Of(frame);
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const prefix = path.keyA;
  if (length > prefixBytes(i32, base)) path.copyKeyAt(level, level === 0 ? 0 : 1, prefix);
  else copyBytes(prefix, 0, u8, base + PREFIX_OFFSET, length);
  const count = slotCount(i32, base);
  rebuildNode(u8, i32, base, path.pager.pageBytes, level === 0, 0, count, prefix, length);
}

/**
 * Rebuilds a full node with the prefix that its keys and the new one share, if that frees a good
 * part of the page. Nodes built without a fence on one side (ascending inserts) gain it here.
 */
function lengthenPrefix(
  path: WriterPath,
  level: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): boolean {
  const frame = path.frames[level]!;
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const leaf = level === 0;
  const first = leaf ? 0 : 1;
  const count = slotCount(i32, base);
  if (count - first < 2) return false;
  // Keys that part right behind the prefix, which is usual, need not be looked at whole.
  const firstHead = i32[slotWord(i32, base, first)]!;
  if ((firstHead ^ i32[slotWord(i32, base, count - 1)]!) >>> 24 !== 0) return false;
  const current = prefixBytes(i32, base);
  const firstBytes = path.copyKeyAt(level, first, path.keyA);
  const lastBytes = path.copyKeyAt(level, count - 1, path.keyB);
  const ends = commonBytes(path.keyA, 0, firstBytes, path.keyB, 0, lastBytes);
  const shared = commonBytes(path.keyA, 0, ends, key, at, bytes);
  const gain = path.pager.pageBytes >> PREFIX_GAIN_SHIFT;
  if ((shared - current) * (count - first) < gain) return false;
  const saved =
    bytesWithPrefix(i32, base, leaf, current) - bytesWithPrefix(i32, base, leaf, shared);
  if (saved < gain) return false;
  rebuildWithPrefix(path, level, shared);
  return true;
}

/**
 * Where to cut a leaf into which an entry of `entryBytes` goes at `position`: how many entries
 * stay on the left, as `~n` when the new one does not join them. Both sides get an entry.
 */
function chooseLeafCut(
  i32: Int32Array,
  base: number,
  position: number,
  entryBytes: number,
): number {
  const count = slotCount(i32, base);
  const half = (liveBytes(i32, base) + entryBytes) >> 1;
  let left = 0;
  let slot = 0;
  let placed = 0;
  while (slot + placed < count) {
    const isNew = slot === position && placed === 0;
    const size = isNew ? entryBytes : SLOT_BYTES + cellBytes(i32, base, slot, true);
    // The entry that crosses the middle goes to the side that it overlaps more.
    if (left > 0 && left + (size >> 1) > half) break;
    left += size;
    if (isNew) placed = 1;
    else slot++;
  }
  return placed === 1 ? slot : ~slot;
}

function splitLeaf(
  path: WriterPath,
  position: number,
  entryBytes: number,
  run: Run,
  key: Uint8Array,
  at: number,
  bytes: number,
): void {
  path.applyPending();
  if (path.top === 0) path.growRoot();
  let keep = position;
  let newOnLeft = run === Run.DESCENDING;
  if (run === Run.NONE) {
    const cut = chooseLeafCut(path.leafI32, path.leafBase, position, entryBytes);
    keep = cut < 0 ? ~cut : cut;
    newOnLeft = cut >= 0;
  }
  const separator = leafSeparator(path, keep, position, newOnLeft, key, at, bytes);
  if (!reserveSeparator(path, 1, separator, run)) return;
  // Nothing on the left: the new entry gets that side for itself.
  if (keep === 0) addLeafBefore(path, separator, key, at, bytes);
  else divideNode(path, 0, keep, separator, run);
  path.forget();
}

/**
 * Writes the shortest key that is above everything left of the cut and not above anything right of
 * it to `path.separator`; returns its length.
 */
function leafSeparator(
  path: WriterPath,
  keep: number,
  position: number,
  newOnLeft: boolean,
  key: Uint8Array,
  at: number,
  bytes: number,
): number {
  const newAtCut = position === keep;
  const left = path.keyA;
  let leftBytes: number;
  if (newAtCut && newOnLeft) {
    copyBytes(left, 0, key, at, bytes);
    leftBytes = bytes;
  } else {
    leftBytes = path.copyKeyAt(0, keep - 1, left);
  }
  const right = path.separator;
  let rightBytes: number;
  if (newAtCut && !newOnLeft) {
    copyBytes(right, 0, key, at, bytes);
    rightBytes = bytes;
  } else {
    rightBytes = path.copyKeyAt(0, keep, right);
  }
  const shared = commonBytes(left, 0, leftBytes, right, 0, rightBytes);
  if (shared >= rightBytes) {
    throw corruptPage(path.pager, path.pager.pageOf(path.frames[0]!), 'its keys do not ascend');
  }
  return shared + 1;
}

/**
 * Makes sure that the separator in `path.separator` can be inserted behind the path's slot in the
 * branch at `level`. False: that branch was split instead, and the path is gone.
 */
function reserveSeparator(path: WriterPath, level: number, separator: number, run: Run): boolean {
  const frame = path.frames[level]!;
  const u8 = path.u8Of(frame);
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const key = path.separator;
  const outside = comparePrefix(u8, i32, base, key, 0, separator);
  if (outside !== 0) {
    const prefix = prefixBytes(i32, base);
    const shared = commonBytes(u8, base + PREFIX_OFFSET, prefix, key, 0, separator);
    const size = bytesWithPrefix(i32, base, false, shared) + childEntryBytes(separator - shared);
    if (size <= path.capacity) {
      rebuildWithPrefix(path, level, shared);
      return true;
    }
    splitBranch(path, level, outside < 0 ? Run.DESCENDING : Run.ASCENDING);
    return false;
  }
  const needed = childEntryBytes(separator - prefixBytes(i32, base));
  if (gapBytes(i32, base) >= needed) return true;
  if (freeBytes(i32, base) >= needed) {
    compactNode(u8, i32, base, path.pager.pageBytes, false);
    return true;
  }
  if (lengthenPrefix(path, level, key, 0, separator)) {
    if (gapBytes(i32, base) >= childEntryBytes(separator - prefixBytes(i32, base))) return true;
  }
  splitBranch(path, level, isOutermost(path, level, run) ? run : Run.NONE);
  return false;
}

/** True when the path keeps to the edge that the run goes to, from `level` up to the root. */
function isOutermost(path: WriterPath, level: number, run: Run): boolean {
  if (run === Run.NONE) return false;
  for (let l = level; l <= path.top; l++) {
    const frame = path.frames[l]!;
    const last = slotCount(path.i32Of(frame), path.baseOf(frame)) - 1;
    if (path.slots[l] !== (run === Run.ASCENDING ? last : 0)) return false;
  }
  return true;
}

function splitBranch(path: WriterPath, level: number, run: Run): void {
  if (path.top === level) path.growRoot();
  const frame = path.frames[level]!;
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const count = slotCount(i32, base);
  // A branch with one child always has room for a separator.
  if (count < 2) throw corruptPage(path.pager, path.pager.pageOf(frame), 'full with one child');
  let keep = run === Run.DESCENDING ? 1 : count - 1;
  if (run === Run.NONE) {
    const half = liveBytes(i32, base) >> 1;
    let left = 0;
    for (keep = 0; keep < count - 1 && left < half; keep++) {
      left += SLOT_BYTES + cellBytes(i32, base, keep, false);
    }
  }
  const separator = path.copyKeyAt(level, keep, path.separator);
  if (!reserveSeparator(path, level + 1, separator, run)) return;
  divideNode(path, level, keep, separator, run);
  path.forget();
}

/** Puts an empty leaf for the key before the path's leaf; the separator goes between the two. */
function addLeafBefore(
  path: WriterPath,
  separator: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): void {
  const { pager } = path;
  const parent = path.frames[1]!;
  const parentI32 = path.i32Of(parent);
  const parentBase = path.baseOf(parent);
  const slot = path.slots[1]!;
  const lower = path.copyLowerFence(1, slot, path.lowerFence);
  let prefix = 0;
  if (lower !== NO_FENCE) {
    prefix = commonBytes(path.lowerFence, 0, lower, path.separator, 0, separator);
  }
  // What the keys of one leaf had in common, those of the next are likely to have.
  const last = path.copyKeyAt(0, slotCount(path.leafI32, path.leafBase) - 1, path.keyB);
  prefix = Math.max(prefix, commonBytes(path.keyB, 0, last, key, at, bytes));
  copyBytes(path.keyA, 0, key, at, prefix);
  const frame = pager.allocate(path.diff, PageKind.LEAF, 0);
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  initNode(path.u8Of(frame), i32, base, pager.pageBytes, path.keyA, prefix, 0);
  const cell = cellAt(parentI32, parentBase, slot);
  const count = childCount(parentI32, cell);
  setChild(parentI32, cell, i32, base);
  setChildCount(parentI32, cell, 0);
  insertSeparator(path, 1, separator, path.leafI32, path.leafBase, count);
}

/** Moves slots `keep ..` of the node at `level` to a new right neighbour. */
function divideNode(
  path: WriterPath,
  level: number,
  keep: number,
  separator: number,
  run: Run,
): void {
  const { pager } = path;
  const leaf = level === 0;
  const frame = path.frames[level]!;
  const u8 = path.u8Of(frame);
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const count = slotCount(i32, base);
  const slot = path.slots[level + 1]!;
  const lower = path.copyLowerFence(level + 1, slot, path.lowerFence);
  const upper = path.copyUpperFence(level + 1, slot, path.upperFence);

  const rightFrame = pager.allocate(path.diff, leaf ? PageKind.LEAF : PageKind.BRANCH, level);
  const rightU8 = path.u8Of(rightFrame);
  const rightI32 = path.i32Of(rightFrame);
  const rightBase = path.baseOf(rightFrame);
  let rightPrefix = choosePrefix(u8, i32, base, keep, count, leaf, path.keyA, {
    lower: path.separator,
    lowerBytes: separator,
    upper: path.upperFence,
    upperBytes: upper,
  });
  if (run === Run.ASCENDING) {
    // The right node has no keys yet. What those of the left one have in common, the next are
    // likely to have; a prefix from the start keeps the heads telling them apart.
    const first = path.copyKeyAt(level, leaf ? 0 : 1, path.keyB);
    const shared = commonBytes(path.keyB, 0, first, path.separator, 0, separator);
    rightPrefix = Math.max(rightPrefix, shared);
    copyBytes(path.keyA, 0, path.separator, 0, rightPrefix);
  }
  const flags = nodeFlags(i32, base);
  initNode(rightU8, rightI32, rightBase, pager.pageBytes, path.keyA, rightPrefix, flags);
  appendEntries(u8, i32, base, keep, count, rightU8, rightI32, rightBase, leaf);

  // A node that keeps all it has is left as it is: a run has just filled it.
  if (keep < count) {
    const leftPrefix = choosePrefix(u8, i32, base, 0, keep, leaf, path.keyA, {
      lower: path.lowerFence,
      lowerBytes: lower,
      upper: path.separator,
      upperBytes: separator,
    });
    if (leftPrefix !== prefixBytes(i32, base)) {
      rebuildNode(u8, i32, base, pager.pageBytes, leaf, 0, keep, path.keyA, leftPrefix);
    } else {
      // The moved cells become garbage; the next insertion that needs the room compacts.
      removeSlots(i32, base, keep, count, leaf);
    }
  }
  const parent = path.frames[level + 1]!;
  const cell = cellAt(path.i32Of(parent), path.baseOf(parent), slot);
  setChildCount(path.i32Of(parent), cell, entriesBelow(i32, base, level));
  const entries = entriesBelow(rightI32, rightBase, level);
  insertSeparator(path, level + 1, separator, rightI32, rightBase, entries);
}

/** Inserts `path.separator` and the child right of it behind the path's slot at `level`. */
function insertSeparator(
  path: WriterPath,
  level: number,
  separator: number,
  childI32: Int32Array,
  childBase: number,
  entries: number,
): void {
  const frame = path.frames[level]!;
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  const prefix = prefixBytes(i32, base);
  insertChild(
    path.u8Of(frame),
    i32,
    base,
    path.slots[level]! + 1,
    path.separator,
    prefix,
    separator - prefix,
    childI32,
    childBase,
    entries,
    mayOverflow(childI32, childBase, level - 1),
  );
}

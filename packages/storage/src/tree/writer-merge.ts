/**
 * After removals: empty nodes vanish, nodes with little in them are joined with a neighbour or
 * share its entries, a root with one child gives way to it. Functions over a `WriterPath`, run by
 * the thread that owns its diff.
 */
import { commonBytes, copyBytes } from './copy-bytes.js';
import {
  type Staging,
  appendEntries,
  appendEntry,
  compactNode,
  joinStaging,
  unstage,
} from './node-build.js';
import { cellBytes, clearKey, initNode, insertChild, removeSlots } from './node-edit.js';
import {
  CHILD_MAY_OVERFLOW,
  PREFIX_OFFSET,
  SLOT_BYTES,
  align4,
  branchCellBytes,
  childBirth,
  childPage,
  freeBytes,
  gapBytes,
  nodeFlags,
  nodeLevel,
  prefixBytes,
  setChild,
  setChildCount,
  slotCount,
  tailBytes,
} from './node-layout.js';
import {
  branchCell,
  checkNode,
  copyKey,
  corruptPage,
  entriesBytes,
  liveBytes,
} from './node-read.js';
import { comparePrefix } from './node-search.js';
import {
  type Fences,
  type WriterPath,
  choosePrefix,
  entriesBelow,
  mayOverflow,
} from './writer-path.js';

/** A node that uses less than this part of its capacity looks for a neighbour to join. */
const UNDERFULL_SHIFT = 2;

/** True when a node has so little in it that it should not stand alone. */
export function isUnderfull(path: WriterPath, i32: Int32Array, base: number): boolean {
  return liveBytes(i32, base) < path.capacity >> UNDERFULL_SHIFT;
}

/**
 * Repairs the path from `start` up after removals, as far as nodes are empty or underfull. The
 * path is given up. False: nothing could be done.
 */
export function settle(path: WriterPath, start = 0): boolean {
  path.applyPending();
  let level = start;
  for (; level < path.top; level++) {
    const frame = path.frames[level]!;
    const i32 = path.i32Of(frame);
    const base = path.baseOf(frame);
    if (slotCount(i32, base) === 0) removeNode(path, level);
    else if (!isUnderfull(path, i32, base) || !joinNeighbour(path, level)) break;
  }
  collapseRoot(path);
  path.forget();
  return level > start;
}

/** Takes the empty node at `level` out of its parent. */
function removeNode(path: WriterPath, level: number): void {
  const frame = path.frames[level]!;
  path.pager.release(path.diff, path.pager.pageOf(frame), path.pager.birthOf(frame));
  const parent = path.frames[level + 1]!;
  removeChildren(path.i32Of(parent), path.baseOf(parent), path.slots[level + 1]!, 1);
}

/** Removes `count` slots of a branch from `slot` on; a new first slot loses its key. */
export function removeChildren(i32: Int32Array, base: number, slot: number, count: number): void {
  if (count === 0) return;
  removeSlots(i32, base, slot, slot + count, false);
  if (slot === 0 && slotCount(i32, base) > 0) clearKey(i32, base, 0);
}

/** Drops an empty root, and roots with a single child. */
export function collapseRoot(path: WriterPath): void {
  const { pager, root } = path;
  while (root.page !== 0) {
    const frame = pager.fetch(root.page, root.birth);
    const i32 = path.i32Of(frame);
    const base = path.baseOf(frame);
    const count = slotCount(i32, base);
    if (count > 1 || (count === 1 && nodeLevel(i32, base) === 0)) return;
    const page = root.page;
    const birth = root.birth;
    root.page = 0;
    root.birth = 0;
    if (count === 1) {
      const cell = branchCell(pager, i32, base, 0);
      root.page = childPage(i32, cell);
      root.birth = childBirth(i32, cell);
    }
    pager.release(path.diff, page, birth);
  }
}

/** One node of a pair of neighbours. */
interface Side {
  frame: number;
  u8: Uint8Array;
  i32: Int32Array;
  base: number;
}

function side(path: WriterPath, frame: number): Side {
  return { frame, u8: path.u8Of(frame), i32: path.i32Of(frame), base: path.baseOf(frame) };
}

/**
 * Joins the node at `level` with a neighbour under the same parent: into one node when they fit it
 * with some room to spare, else their entries are shared out evenly. False: nothing was done.
 */
function joinNeighbour(path: WriterPath, level: number): boolean {
  const { pager } = path;
  const parent = side(path, path.frames[level + 1]!);
  const slot = path.slots[level + 1]!;
  if (slotCount(parent.i32, parent.base) < 2) return false;
  const rightSlot = slot > 0 ? slot : 1;
  const ownIsRight = slot === rightSlot;
  const cell = branchCell(pager, parent.i32, parent.base, ownIsRight ? slot - 1 : rightSlot);
  const frame = pager.fetch(childPage(parent.i32, cell), childBirth(parent.i32, cell));
  const own = side(path, path.frames[level]!);
  const other = side(path, frame);
  checkNode(pager, other.i32, other.base, level);
  const left = ownIsRight ? other : own;
  const right = ownIsRight ? own : other;
  const separator = path.copyKeyAt(level + 1, rightSlot, path.separator);
  const shared = sharedPrefix(path, left, right, level, separator);
  const total = joinedBytes(left, right, level, shared, separator);
  if (total <= path.capacity - (path.capacity >> UNDERFULL_SHIFT)) {
    mergeInto(path, level, own, other, left, right, rightSlot, shared, separator);
    return true;
  }
  // Both go through the staging node, which holds two pages.
  if (total > 2 * path.capacity) return false;
  const staging = stageBoth(path, level, left, right, shared, separator, 2 * pager.pageBytes);
  const cut = chooseCut(staging, level);
  if (cut === slotCount(left.i32, left.base) || !cutFits(path, staging, cut, level)) return false;
  return shareOut(path, level, own, other, ownIsRight, rightSlot, staging, cut);
}

/** Prefix (written to `path.keyA`) that all keys of both nodes are known to share. */
function sharedPrefix(
  path: WriterPath,
  left: Side,
  right: Side,
  level: number,
  separator: number,
): number {
  const prefix = prefixBytes(left.i32, left.base);
  const rightPrefix = prefixBytes(right.i32, right.base);
  const target = path.keyA;
  copyBytes(target, 0, left.u8, left.base + PREFIX_OFFSET, prefix);
  const rightAt = right.base + PREFIX_OFFSET;
  const shared = commonBytes(target, 0, prefix, right.u8, rightAt, rightPrefix);
  // In a branch the separator between the two becomes the key of the right one's first child.
  return level === 0 ? shared : commonBytes(target, 0, shared, path.separator, 0, separator);
}

function joinedBytes(
  left: Side,
  right: Side,
  level: number,
  shared: number,
  separator: number,
): number {
  const leaf = level === 0;
  const leftCut = shared - prefixBytes(left.i32, left.base);
  const rightCut = shared - prefixBytes(right.i32, right.base);
  const ofLeft = entriesBytes(
    left.i32,
    left.base,
    0,
    slotCount(left.i32, left.base),
    leaf,
    leftCut,
  );
  const count = slotCount(right.i32, right.base);
  const ofRight = entriesBytes(right.i32, right.base, 0, count, leaf, rightCut);
  return ofLeft + ofRight + align4(shared) + (leaf ? 0 : align4(tailBytes(separator - shared)));
}

/** Puts the entries of both into the staging node, whose prefix stands in `path.keyA`. */
function stageBoth(
  path: WriterPath,
  level: number,
  left: Side,
  right: Side,
  shared: number,
  separator: number,
  stagedBytes: number,
): Staging {
  const leaf = level === 0;
  const staging = joinStaging(path.pager.pageBytes);
  const { u8, i32 } = staging;
  const flags = nodeFlags(left.i32, left.base) | nodeFlags(right.i32, right.base);
  initNode(u8, i32, 0, stagedBytes, path.keyA, shared, flags);
  const leftCount = slotCount(left.i32, left.base);
  const rightCount = slotCount(right.i32, right.base);
  appendEntries(left.u8, left.i32, left.base, 0, leftCount, u8, i32, 0, leaf);
  let from = 0;
  if (!leaf) {
    const cell = branchCell(path.pager, right.i32, right.base, 0);
    const suffix = separator - shared;
    appendEntry(u8, i32, 0, false, path.separator, shared, suffix, right.i32, cell, 0);
    from = 1;
  }
  appendEntries(right.u8, right.i32, right.base, from, rightCount, u8, i32, 0, leaf);
  return staging;
}

/** All entries go into the private node; the neighbour is released. */
function mergeInto(
  path: WriterPath,
  level: number,
  own: Side,
  other: Side,
  left: Side,
  right: Side,
  rightSlot: number,
  shared: number,
  separator: number,
): void {
  const { pager } = path;
  const staging = stageBoth(path, level, left, right, shared, separator, pager.pageBytes);
  unstage(staging, own.u8, own.i32, own.base, pager.pageBytes);
  pager.release(path.diff, pager.pageOf(other.frame), pager.birthOf(other.frame));
  const parent = side(path, path.frames[level + 1]!);
  removeChildren(parent.i32, parent.base, rightSlot, 1);
  pointAt(path, parent, rightSlot - 1, own, level);
}

/** Brings the parent's slot up to date with the node below it. */
function pointAt(path: WriterPath, parent: Side, slot: number, node: Side, level: number): void {
  const cell = branchCell(path.pager, parent.i32, parent.base, slot);
  setChild(parent.i32, cell, node.i32, node.base);
  setChildCount(parent.i32, cell, entriesBelow(node.i32, node.base, level));
  if (mayOverflow(node.i32, node.base, level)) {
    parent.i32[cell >> 2] = parent.i32[cell >> 2]! | CHILD_MAY_OVERFLOW;
  }
}

/** How many of the staged entries make up half of the bytes; both sides get one. */
function chooseCut(staging: Staging, level: number): number {
  const leaf = level === 0;
  const count = slotCount(staging.i32, 0);
  const half = liveBytes(staging.i32, 0) >> 1;
  let left = SLOT_BYTES + cellBytes(staging.i32, 0, 0, leaf);
  let cut = 1;
  for (; cut < count - 1; cut++) {
    const size = SLOT_BYTES + cellBytes(staging.i32, 0, cut, leaf);
    if (left + (size >> 1) > half) break;
    left += size;
  }
  return cut;
}

function cutFits(path: WriterPath, staging: Staging, cut: number, level: number): boolean {
  const leaf = level === 0;
  const count = slotCount(staging.i32, 0);
  const room = path.capacity - align4(prefixBytes(staging.i32, 0));
  return (
    entriesBytes(staging.i32, 0, 0, cut, leaf, 0) <= room &&
    entriesBytes(staging.i32, 0, cut, count, leaf, 0) <= room
  );
}

/** Key (in `path.separator`) that is to stand between staged entries `cut - 1` and `cut`. */
function stagedSeparator(path: WriterPath, staging: Staging, cut: number, level: number): number {
  const { u8, i32 } = staging;
  const bytes = copyKey(u8, i32, 0, cut, level === 0, path.separator, 0);
  if (level > 0) return bytes;
  const before = copyKey(u8, i32, 0, cut - 1, true, path.keyB, 0);
  const shared = commonBytes(path.keyB, 0, before, path.separator, 0, bytes);
  if (shared >= bytes) {
    const page = path.pager.pageOf(path.frames[level]!);
    throw corruptPage(path.pager, page, 'its keys and those of its neighbour do not ascend');
  }
  return shared + 1;
}

/** Rebuilds both nodes from the staged entries; false when the parent cannot take the separator. */
function shareOut(
  path: WriterPath,
  level: number,
  own: Side,
  other: Side,
  ownIsRight: boolean,
  rightSlot: number,
  staging: Staging,
  cut: number,
): boolean {
  const { pager } = path;
  const parent = side(path, path.frames[level + 1]!);
  const separator = stagedSeparator(path, staging, cut, level);
  if (!makeSeparatorRoom(path, parent, rightSlot, separator)) return false;
  let sibling = other;
  if (!pager.isPrivate(path.diff, other.frame)) {
    sibling = side(path, pager.copyForWrite(path.diff, other.frame));
  }
  const left = ownIsRight ? sibling : own;
  const right = ownIsRight ? own : sibling;
  const lower = path.copyLowerFence(level + 1, rightSlot - 1, path.lowerFence);
  // The old right separator is gone: what stands at its slot now bounds the right node above.
  const upper = path.copyUpperFence(level + 1, rightSlot - 1, path.upperFence);
  rebuildSide(path, level, left, staging, 0, cut, {
    lower: path.lowerFence,
    lowerBytes: lower,
    upper: path.separator,
    upperBytes: separator,
  });
  rebuildSide(path, level, right, staging, cut, slotCount(staging.i32, 0), {
    lower: path.separator,
    lowerBytes: separator,
    upper: path.upperFence,
    upperBytes: upper,
  });
  const { u8, i32, base } = parent;
  const prefix = prefixBytes(i32, base);
  const suffix = separator - prefix;
  const key = path.separator;
  insertChild(u8, i32, base, rightSlot, key, prefix, suffix, right.i32, right.base, 0, false);
  pointAt(path, parent, rightSlot - 1, left, level);
  pointAt(path, parent, rightSlot, right, level);
  return true;
}

/**
 * Takes the right child out of the parent if the separator in `path.separator` can come in its
 * place, and makes the room contiguous.
 */
function makeSeparatorRoom(
  path: WriterPath,
  parent: Side,
  rightSlot: number,
  separator: number,
): boolean {
  const { u8, i32, base } = parent;
  if (comparePrefix(u8, i32, base, path.separator, 0, separator) !== 0) return false;
  const needed = SLOT_BYTES + branchCellBytes(separator - prefixBytes(i32, base));
  const freed = SLOT_BYTES + cellBytes(i32, base, rightSlot, false);
  if (freeBytes(i32, base) + freed < needed) return false;
  removeSlots(i32, base, rightSlot, rightSlot + 1, false);
  if (gapBytes(i32, base) < needed) compactNode(u8, i32, base, path.pager.pageBytes, false);
  return true;
}

function rebuildSide(
  path: WriterPath,
  level: number,
  node: Side,
  staging: Staging,
  from: number,
  to: number,
  fences: Fences,
): void {
  const leaf = level === 0;
  const { u8, i32 } = staging;
  const prefix = choosePrefix(u8, i32, 0, from, to, leaf, path.keyA, fences);
  const flags = nodeFlags(i32, 0);
  initNode(node.u8, node.i32, node.base, path.pager.pageBytes, path.keyA, prefix, flags);
  appendEntries(u8, i32, 0, from, to, node.u8, node.i32, node.base, leaf);
}

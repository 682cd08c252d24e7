/**
 * Removing all entries of a range: whole subtrees are dropped by their reference, only the two
 * boundary paths are edited. Functions over a `WriterPath`, run by the thread that owns its diff.
 */
import type { TreeRoot } from './tree-root.js';
import { removeSlots } from './node-edit.js';
import {
  LEVELS_MAX,
  childBirth,
  childCount,
  childMayOverflow,
  childPage,
  nodeLevel,
  setChild,
  setChildCount,
  slotCount,
} from './node-layout.js';
import { branchCell, checkNode } from './node-read.js';
import { childSlot, searchBranch, searchLeaf } from './node-search.js';
import { releaseValue } from './overflow-write.js';
import { treeCount } from './tree-get.js';
import { forEachSubtreePage } from './tree-pages.js';
import { collapseRoot, isUnderfull, removeChildren, settle } from './writer-merge.js';
import type { WriterPath } from './writer-path.js';
import { KEY_BYTES_MAX } from '../limits.js';

type Bound = Uint8Array | undefined;

/** Above every key. */
const BEHIND_ALL = new Uint8Array(KEY_BYTES_MAX + 1).fill(0xff);
const BEFORE_ALL = new Uint8Array(0);

/** Removes the entries in [low, high); returns how many. The path is given up. */
export function removeRange(path: WriterPath, low: Bound, high: Bound): number {
  path.leave();
  const { pager, root } = path;
  const expected = treeCount(pager, root, low, high);
  if (expected === 0) return 0;
  if (expected === root.count) {
    dropSubtree(path, root.page, root.birth, levelOf(path, root), true);
    root.page = 0;
    root.birth = 0;
    root.count = 0;
    return expected;
  }
  const level = levelOf(path, root);
  const frame = privateRoot(path);
  const removed = cutNode(path, frame, level, low, high);
  root.count -= removed;
  collapseRoot(path);
  repairEdge(path, low ?? BEFORE_ALL);
  repairEdge(path, high ?? BEHIND_ALL);
  return removed;
}

function levelOf(path: WriterPath, root: TreeRoot): number {
  const frame = path.pager.fetch(root.page, root.birth);
  return nodeLevel(path.i32Of(frame), path.baseOf(frame));
}

function privateRoot(path: WriterPath): number {
  const { pager, root, diff } = path;
  const frame = pager.fetch(root.page, root.birth);
  if (pager.isPrivate(diff, frame)) return frame;
  const copy = pager.copyForWrite(diff, frame);
  root.page = pager.pageOf(copy);
  root.birth = pager.birthOf(copy);
  return copy;
}

function dropSubtree(
  path: WriterPath,
  page: number,
  birth: number,
  level: number,
  overflow: boolean,
): void {
  const { pager, diff } = path;
  forEachSubtreePage(pager, page, birth, level, overflow, (p, b) => pager.release(diff, p, b));
}

/** Removes what is in range from the private node `frame`, which may end up empty. */
function cutNode(path: WriterPath, frame: number, level: number, low: Bound, high: Bound): number {
  const u8 = path.u8Of(frame);
  const i32 = path.i32Of(frame);
  const base = path.baseOf(frame);
  checkNode(path.pager, i32, base, level);
  if (level === 0) return cutLeaf(path, u8, i32, base, low, high);
  const count = slotCount(i32, base);
  // Children first..end hold the range; those with a bound inside are cut, the others dropped.
  const first = low === undefined ? 0 : childSlot(u8, i32, base, low, 0, low.length);
  let end = count;
  let cutLast = false;
  if (high !== undefined) {
    const found = searchBranch(u8, i32, base, high, 0, high.length);
    cutLast = found < 0;
    end = found < 0 ? ~found : found;
  }
  let removed = 0;
  // From the right, so that the slots to the left keep their numbers.
  let dropEnd = end;
  for (let slot = end - 1; slot >= first; slot--) {
    const cutLow = slot === first && low !== undefined;
    const cutHigh = slot === end - 1 && cutLast;
    const cell = branchCell(path.pager, i32, base, slot);
    if (!cutLow && !cutHigh) {
      removed += childCount(i32, cell);
      const page = childPage(i32, cell);
      dropSubtree(path, page, childBirth(i32, cell), level - 1, childMayOverflow(i32, cell));
      continue;
    }
    const cut = cutChild(
      path,
      i32,
      cell,
      level,
      cutLow ? low : undefined,
      cutHigh ? high : undefined,
    );
    removed += cut;
    if (childCount(i32, cell) > 0) {
      // This child stays: what was dropped right of it goes now.
      removeChildren(i32, base, slot + 1, dropEnd - slot - 1);
      dropEnd = slot;
    }
  }
  if (dropEnd > first) removeChildren(i32, base, first, dropEnd - first);
  return removed;
}

/** Cuts the child behind `cell`; releases it when nothing is left. Returns the entries removed. */
function cutChild(
  path: WriterPath,
  i32: Int32Array,
  cell: number,
  level: number,
  low: Bound,
  high: Bound,
): number {
  const { pager, diff } = path;
  let frame = pager.fetch(childPage(i32, cell), childBirth(i32, cell));
  if (!pager.isPrivate(diff, frame)) {
    frame = pager.copyForWrite(diff, frame);
    setChild(i32, cell, path.i32Of(frame), path.baseOf(frame));
  }
  const cut = cutNode(path, frame, level - 1, low, high);
  setChildCount(i32, cell, childCount(i32, cell) - cut);
  if (slotCount(path.i32Of(frame), path.baseOf(frame)) === 0) {
    pager.release(diff, pager.pageOf(frame), pager.birthOf(frame));
    setChildCount(i32, cell, 0);
  }
  return cut;
}

function cutLeaf(
  path: WriterPath,
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  low: Bound,
  high: Bound,
): number {
  let from = 0;
  let to = slotCount(i32, base);
  if (low !== undefined) {
    const found = searchLeaf(u8, i32, base, low, 0, low.length);
    from = found < 0 ? ~found : found;
  }
  if (high !== undefined) {
    const found = searchLeaf(u8, i32, base, high, 0, high.length);
    to = found < 0 ? ~found : found;
  }
  if (to <= from) return 0;
  for (let slot = from; slot < to; slot++) {
    releaseValue(path.pager, path.diff, i32, base, slot);
  }
  removeSlots(i32, base, from, to, true);
  return to - from;
}

/** Joins underfull nodes along the path to `key`; every round leaves fewer or fuller nodes. */
function repairEdge(path: WriterPath, key: Uint8Array): void {
  for (let rounds = 0; rounds < LEVELS_MAX && path.root.page !== 0; rounds++) {
    path.descend(key, 0, key.length);
    let low = -1;
    for (let level = 0; level < path.top && low < 0; level++) {
      const frame = path.frames[level]!;
      if (isUnderfull(path, path.i32Of(frame), path.baseOf(frame))) low = level;
    }
    if (low < 0) return;
    path.makePrivate();
    if (!settle(path, low)) return;
  }
}

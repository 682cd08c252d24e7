/**
 * Point look-up and counting: one descent each. Any thread, inside a pager operation.
 */
import { CACHE_LINE_WORDS, touchLines } from '../cache-lines.js';
import type { Pager } from '../pages/pager.js';
import { LEVELS_MAX, childBirth, childCount, childPage, nodeLevel } from './node-layout.js';
import { branchCell, checkNode, corruptPage } from './node-read.js';
import { childSlot, searchLeaf } from './node-search.js';
import { type TreeHit, type TreeRoot, loadHit } from './tree-root.js';

/**
 * Lines behind the header, where a leaf's slots stand. Asked for at once: a search that meets them
 * one by one waits for memory each time (measured with a million entries and random keys: 8 to 10 %
 * of a look-up).
 */
const SLOT_LINES_WORDS = 4 * CACHE_LINE_WORDS;

/** True when the key is there; then `hit` says where its value is. */
export function treeGet(
  pager: Pager,
  root: TreeRoot,
  key: Uint8Array,
  keyBytes: number,
  hit: TreeHit,
): boolean {
  if (root.page === 0) return false;
  let frame = pager.fetch(root.page, root.birth);
  let i32 = pager.i32[frame >>> pager.regionShift]!;
  let base = (frame & pager.regionMask) << pager.pageShift;
  let level = nodeLevel(i32, base);
  if (level >= LEVELS_MAX) throw corruptPage(pager, root.page, `level ${level} is too high`);
  for (;;) {
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    checkNode(pager, i32, base, level);
    if (level === 0) {
      const slots = (base >> 2) + CACHE_LINE_WORDS;
      touchLines(i32, slots, slots + SLOT_LINES_WORDS);
      const slot = searchLeaf(u8, i32, base, key, 0, keyBytes);
      if (slot < 0) return false;
      loadHit(pager, u8, i32, base, slot, hit);
      return true;
    }
    const cell = branchCell(pager, i32, base, childSlot(u8, i32, base, key, 0, keyBytes));
    frame = pager.fetch(childPage(i32, cell), childBirth(i32, cell));
    i32 = pager.i32[frame >>> pager.regionShift]!;
    base = (frame & pager.regionMask) << pager.pageShift;
    level--;
  }
}

/** Entries with keys below `key`. */
function rank(pager: Pager, root: TreeRoot, key: Uint8Array): number {
  let frame = pager.fetch(root.page, root.birth);
  let below = 0;
  let level = -1;
  for (;;) {
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    if (level < 0) level = nodeLevel(i32, base);
    if (level >= LEVELS_MAX) throw corruptPage(pager, root.page, `level ${level} is too high`);
    checkNode(pager, i32, base, level);
    if (level === 0) {
      const slot = searchLeaf(u8, i32, base, key, 0, key.length);
      return below + (slot >= 0 ? slot : ~slot);
    }
    const slot = childSlot(u8, i32, base, key, 0, key.length);
    for (let i = 0; i < slot; i++) below += childCount(i32, branchCell(pager, i32, base, i));
    const cell = branchCell(pager, i32, base, slot);
    frame = pager.fetch(childPage(i32, cell), childBirth(i32, cell));
    level--;
  }
}

/** Number of entries in [low, high); `undefined` is unbounded. */
export function treeCount(
  pager: Pager,
  root: TreeRoot,
  low: Uint8Array | undefined,
  high: Uint8Array | undefined,
): number {
  if (root.page === 0) return 0;
  const end = high === undefined ? root.count : rank(pager, root, high);
  const start = low === undefined ? 0 : rank(pager, root, low);
  return end > start ? end - start : 0;
}

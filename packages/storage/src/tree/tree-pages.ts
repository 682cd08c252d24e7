/**
 * Walking all pages of a tree, to drop them. Branches are read, leaves only when they may hold
 * overflow values. Any thread, inside a pager operation.
 */
import type { Pager } from '../pages/pager.js';
import {
  LEVELS_MAX,
  childBirth,
  childMayOverflow,
  childPage,
  nodeLevel,
  slotCount,
} from './node-layout.js';
import { branchCell, checkNode, corruptPage } from './node-read.js';
import { forEachOverflowPage } from './overflow-read.js';
import { TreeHit, type TreeRoot, loadHit } from './tree-root.js';

export type PageVisit = (page: number, birth: number) => void;

/**
 * Visits the pages of the subtree under a page of `level`, children before parents. Frames are
 * fetched again for every child: with a full cache they are only good for a few fetches.
 */
export function forEachSubtreePage(
  pager: Pager,
  page: number,
  birth: number,
  level: number,
  overflow: boolean,
  visit: PageVisit,
): void {
  if (level > 0) {
    const count = fetchCount(pager, page, birth, level);
    for (let slot = 0; slot < count; slot++) {
      const frame = pager.fetch(page, birth);
      const i32 = pager.i32[frame >>> pager.regionShift]!;
      const cell = branchCell(pager, i32, (frame & pager.regionMask) << pager.pageShift, slot);
      const flagged = childMayOverflow(i32, cell);
      const child = childPage(i32, cell);
      forEachSubtreePage(pager, child, childBirth(i32, cell), level - 1, flagged, visit);
    }
  } else if (overflow) {
    forEachLeafOverflow(pager, page, birth, visit);
  }
  visit(page, birth);
}

function fetchCount(pager: Pager, page: number, birth: number, level: number): number {
  const frame = pager.fetch(page, birth);
  const i32 = pager.i32[frame >>> pager.regionShift]!;
  const base = (frame & pager.regionMask) << pager.pageShift;
  checkNode(pager, i32, base, level);
  return slotCount(i32, base);
}

/** Visits the pages of the overflow values of one leaf. */
function forEachLeafOverflow(pager: Pager, page: number, birth: number, visit: PageVisit): void {
  const hit = new TreeHit();
  const count = fetchCount(pager, page, birth, 0);
  for (let slot = 0; slot < count; slot++) {
    const frame = pager.fetch(page, birth);
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    loadHit(pager, u8, i32, base, slot, hit);
    if (hit.overflowPage === 0) continue;
    const { overflowPage, overflowBirth, overflowDepth } = hit;
    forEachOverflowPage(pager, overflowPage, overflowBirth, overflowDepth, visit);
  }
}

/** Level of the root page. */
export function rootLevel(pager: Pager, root: TreeRoot): number {
  const frame = pager.fetch(root.page, root.birth);
  const i32 = pager.i32[frame >>> pager.regionShift]!;
  const level = nodeLevel(i32, (frame & pager.regionMask) << pager.pageShift);
  if (level >= LEVELS_MAX) throw corruptPage(pager, root.page, `level ${level} is too high`);
  return level;
}

/** Calls `visit` for every page of the tree, overflow pages included. */
export function forEachPage(pager: Pager, root: TreeRoot, visit: PageVisit): void {
  if (root.page === 0) return;
  const seen = new PageSet(pager);
  const once: PageVisit = (page, birth) => {
    seen.add(page);
    visit(page, birth);
  };
  const { page, birth } = root;
  forEachSubtreePage(pager, page, birth, rootLevel(pager, root), true, once);
}

/** Pages already visited; a page that is referred to twice would make a walk exponential. */
export class PageSet {
  readonly #pager: Pager;
  #bits = new Uint8Array(1024);

  constructor(pager: Pager) {
    this.#pager = pager;
  }

  add(page: number): void {
    const at = page >>> 3;
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    const mask = 1 << (page & 7);
    if ((this.#bits[at]! & mask) !== 0) {
      throw corruptPage(this.#pager, page, 'two places refer to it');
    }
    this.#bits[at] = this.#bits[at]! | mask;
  }
}

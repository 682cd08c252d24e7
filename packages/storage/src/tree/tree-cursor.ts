/**
 * Read cursor over one version of a tree. Any thread; positions are valid only inside one pager
 * operation, afterwards the user seeks again by key.
 *
 * Invariants
 * 1. A level of the path is kept as page and birth, not as a frame: a frame without a shared home
 *    is one of the pager's few scratch frames and may hold another page by now, so it is fetched
 *    again before it is read. A birth never repeats, so page and birth in the frame's header tell.
 * 2. Between two moves, `leafFrame`, `slot` and `hit` describe the current entry; before the first
 *    seek and after a failed move there is none.
 */
import { NO_FRAME } from '../ids.js';
import type { Pager } from '../pages/pager.js';
import {
  LEVELS_MAX,
  WORD_BIRTH_LOW,
  WORD_PAGE,
  childBirth,
  childPage,
  nodeLevel,
  slotCount,
} from './node-layout.js';
import { branchCell, checkNode, copyKey, corruptPage } from './node-read.js';
import { childSlot, searchLeaf } from './node-search.js';
import { TreeHit, type TreeRoot, loadHit } from './tree-root.js';

const NO_KEY = new Uint8Array(0);
const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
/** Ways to go down from a branch. */
const Route = { BY_KEY: 0, FIRST: 1, LAST: 2 } as const;
type Route = (typeof Route)[keyof typeof Route];

export class TreeCursor {
  /** Value of the current entry. */
  readonly hit = new TreeHit();
  /** Frame of the current leaf, or NO_FRAME when there is no current entry. */
  leafFrame: number = NO_FRAME;
  slot = 0;
  /** Slots of the current leaf. */
  slotCount = 0;

  // Plain fields: every move touches them.
  private readonly pager: Pager;
  private readonly pages = new Int32Array(LEVELS_MAX);
  private readonly births = new Float64Array(LEVELS_MAX);
  private readonly slots = new Int32Array(LEVELS_MAX);
  private top = 0;
  private leafU8: Uint8Array = NO_BYTES;
  private leafI32: Int32Array = NO_WORDS;
  private leafBase = 0;
  private leafPage = 0;
  private leafBirthLow = 0;

  constructor(pager: Pager) {
    this.pager = pager;
  }

  seekFirst(root: TreeRoot): boolean {
    return this.start(root) && this.descend(this.top, Route.FIRST, NO_KEY, 0) && this.enter(0);
  }

  seekLast(root: TreeRoot): boolean {
    return (
      this.start(root) &&
      this.descend(this.top, Route.LAST, NO_KEY, 0) &&
      this.enter(this.slotCount - 1)
    );
  }

  /** First entry >= key, or > key when not `inclusive`. */
  seekForward(root: TreeRoot, key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    if (!this.start(root)) return false;
    this.descend(this.top, Route.BY_KEY, key, keyBytes);
    const found = searchLeaf(this.leafU8, this.leafI32, this.leafBase, key, 0, keyBytes);
    if (found < 0) return this.enter(~found);
    return this.enter(inclusive ? found : found + 1);
  }

  /** Last entry <= key, or < key when not `inclusive`. */
  seekBackward(root: TreeRoot, key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    if (!this.start(root)) return false;
    this.descend(this.top, Route.BY_KEY, key, keyBytes);
    const found = searchLeaf(this.leafU8, this.leafI32, this.leafBase, key, 0, keyBytes);
    if (found < 0) return this.enter(~found - 1);
    return this.enter(inclusive ? found : found - 1);
  }

  next(): boolean {
    return this.leafFrame !== NO_FRAME && this.enter(this.slot + 1);
  }

  prev(): boolean {
    return this.leafFrame !== NO_FRAME && this.enter(this.slot - 1);
  }

  /** Copies the current key to `target[offset ..]`; returns its length. */
  copyKey(target: Uint8Array, offset: number): number {
    this.pin();
    return copyKey(this.leafU8, this.leafI32, this.leafBase, this.slot, true, target, offset);
  }

  private start(root: TreeRoot): boolean {
    this.leafFrame = NO_FRAME;
    if (root.page === 0) return false;
    const pager = this.pager;
    const frame = pager.fetch(root.page, root.birth);
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const top = nodeLevel(i32, (frame & pager.regionMask) << pager.pageShift);
    if (top >= LEVELS_MAX) throw corruptPage(pager, root.page, `level ${top} is too high`);
    this.top = top;
    this.pages[top] = root.page;
    this.births[top] = root.birth;
    return true;
  }

  /** Goes from the page named at `level` down to a leaf. */
  private descend(level: number, route: Route, key: Uint8Array, keyBytes: number): true {
    const pager = this.pager;
    for (; ; level--) {
      const frame = pager.fetch(this.pages[level]!, this.births[level]!);
      const u8 = pager.u8[frame >>> pager.regionShift]!;
      const i32 = pager.i32[frame >>> pager.regionShift]!;
      const base = (frame & pager.regionMask) << pager.pageShift;
      checkNode(pager, i32, base, level);
      if (level === 0) {
        this.leafFrame = frame;
        this.leafU8 = u8;
        this.leafI32 = i32;
        this.leafBase = base;
        this.leafPage = this.pages[0]!;
        this.leafBirthLow = this.births[0]! | 0;
        this.slotCount = slotCount(i32, base);
        return true;
      }
      let slot = 0;
      if (route === Route.BY_KEY) slot = childSlot(u8, i32, base, key, 0, keyBytes);
      else if (route === Route.LAST) slot = slotCount(i32, base) - 1;
      this.takeChild(level, i32, base, slot);
    }
  }

  private takeChild(level: number, i32: Int32Array, base: number, slot: number): void {
    const cell = branchCell(this.pager, i32, base, slot);
    this.slots[level] = slot;
    this.pages[level - 1] = childPage(i32, cell);
    this.births[level - 1] = childBirth(i32, cell);
  }

  /** Makes `slot` the current entry; one outside the leaf is looked for in the neighbours. */
  private enter(slot: number): boolean {
    let at = slot;
    while (at < 0 || at >= this.slotCount) {
      if (!this.turn(at < 0)) {
        this.leafFrame = NO_FRAME;
        return false;
      }
      at = at < 0 ? this.slotCount - 1 : 0;
    }
    this.slot = at;
    this.pin();
    loadHit(this.pager, this.leafU8, this.leafI32, this.leafBase, at, this.hit);
    return true;
  }

  /** Goes to the neighbouring leaf; false when there is none. */
  private turn(backward: boolean): boolean {
    const pager = this.pager;
    for (let level = 1; level <= this.top; level++) {
      const frame = pager.fetch(this.pages[level]!, this.births[level]!);
      const i32 = pager.i32[frame >>> pager.regionShift]!;
      const base = (frame & pager.regionMask) << pager.pageShift;
      const slot = this.slots[level]! + (backward ? -1 : 1);
      if (slot < 0 || slot >= slotCount(i32, base)) continue;
      this.takeChild(level, i32, base, slot);
      return this.descend(level - 1, backward ? Route.LAST : Route.FIRST, NO_KEY, 0);
    }
    return false;
  }

  /** Fetches the leaf again if its scratch frame was taken for another page (invariant 1). */
  private pin(): void {
    const header = this.leafBase >> 2;
    if (
      this.leafI32[header + WORD_PAGE] === this.leafPage &&
      this.leafI32[header + WORD_BIRTH_LOW] === this.leafBirthLow
    ) {
      return;
    }
    this.descend(0, Route.FIRST, NO_KEY, 0);
  }
}

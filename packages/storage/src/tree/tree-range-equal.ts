/**
 * Comparison of a key range of two versions. Two walkers go through the trees side by side; where
 * both are about to enter the same page with the same birth, both step over it, so the cost
 * follows the pages that differ. Any thread, inside a pager operation.
 *
 * A walker stands before a subtree that it has not entered ("at a node"), or in a leaf at an entry,
 * or at the end. Pages of the path are fetched again before they are read (tree-cursor.ts, 1).
 */
import { KEY_BYTES_MAX } from '../limits.js';
import type { Pager } from '../pages/pager.js';
import { BRANCH_TAIL, LEVELS_MAX, childBirth, childPage, slotCount } from './node-layout.js';
import { branchCell, checkNode, copyKey } from './node-read.js';
import { childSlot, compareSlot, searchLeaf } from './node-search.js';
import { equalOverflow } from './overflow-read.js';
import { rootLevel } from './tree-pages.js';
import { TreeHit, type TreeRoot, loadHit } from './tree-root.js';

type Bound = Uint8Array | undefined;

/** Where a walker stands. */
const At = { NODE: 0, ENTRY: 1, END: 2 } as const;
type At = (typeof At)[keyof typeof At];

const NO_KEY = new Uint8Array(0);

class Walker {
  at: At = At.END;
  /** Level of the node before which it stands; 0 when in a leaf. */
  level = 0;
  top = 0;
  readonly pages = new Int32Array(LEVELS_MAX);
  readonly births = new Float64Array(LEVELS_MAX);
  /** Slot of the current child per branch level; slots[0] is the entry. */
  readonly slots = new Int32Array(LEVELS_MAX);
  readonly hit = new TreeHit();
  readonly key = new Uint8Array(KEY_BYTES_MAX);
  keyBytes = 0;
  #leafEnd = 0;
  #lastLeaf = false;
  readonly #pager: Pager;
  readonly #high: Bound;

  constructor(pager: Pager, high: Bound) {
    this.#pager = pager;
    this.#high = high;
  }

  /** Stands before the root, or at the first entry >= low. */
  start(root: TreeRoot, low: Bound): void {
    if (root.page === 0) return;
    this.top = rootLevel(this.#pager, root);
    this.pages[this.top] = root.page;
    this.births[this.top] = root.birth;
    this.level = this.top;
    this.at = At.NODE;
    if (low === undefined) return;
    do this.enter(low);
    while (this.at === At.NODE);
  }

  /** Goes one level down, to the child that `low` is routed to or to the first. */
  enter(low: Bound): void {
    const pager = this.#pager;
    const level = this.level;
    const frame = pager.fetch(this.pages[level]!, this.births[level]!);
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    checkNode(pager, i32, base, level);
    const key = low ?? NO_KEY;
    if (level > 0) {
      this.#stepTo(
        level,
        i32,
        base,
        low === undefined ? 0 : childSlot(u8, i32, base, key, 0, key.length),
      );
      return;
    }
    const count = slotCount(i32, base);
    this.#leafEnd = count;
    if (this.#high !== undefined) {
      const found = searchLeaf(u8, i32, base, this.#high, 0, this.#high.length);
      this.#leafEnd = found < 0 ? ~found : found;
    }
    this.#lastLeaf = this.#leafEnd < count;
    let slot = 0;
    if (low !== undefined) {
      const found = searchLeaf(u8, i32, base, key, 0, key.length);
      slot = found < 0 ? ~found : found;
    }
    this.at = At.ENTRY;
    this.#moveTo(slot);
  }

  #stepTo(level: number, i32: Int32Array, base: number, slot: number): void {
    const cell = branchCell(this.#pager, i32, base, slot);
    this.slots[level] = slot;
    this.pages[level - 1] = childPage(i32, cell);
    this.births[level - 1] = childBirth(i32, cell);
    this.level = level - 1;
    this.at = At.NODE;
  }

  nextEntry(): void {
    this.#moveTo(this.slots[0]! + 1);
  }

  #moveTo(slot: number): void {
    this.slots[0] = slot;
    if (slot < this.#leafEnd) return;
    if (this.#lastLeaf) this.at = At.END;
    else this.skip(0);
  }

  /** Stands before what follows the node at `level` of the path. */
  skip(level: number): void {
    const pager = this.#pager;
    for (let above = level + 1; above <= this.top; above++) {
      const frame = pager.fetch(this.pages[above]!, this.births[above]!);
      const u8 = pager.u8[frame >>> pager.regionShift]!;
      const i32 = pager.i32[frame >>> pager.regionShift]!;
      const base = (frame & pager.regionMask) << pager.pageShift;
      const slot = this.slots[above]! + 1;
      if (slot >= slotCount(i32, base)) continue;
      const high = this.#high;
      if (
        high !== undefined &&
        compareSlot(u8, i32, base, slot, BRANCH_TAIL, high, 0, high.length) <= 0
      ) {
        break;
      }
      this.#stepTo(above, i32, base, slot);
      return;
    }
    this.at = At.END;
  }

  /** Copies the key of the current entry and points `hit` at its value. */
  load(): void {
    const pager = this.#pager;
    const frame = pager.fetch(this.pages[0]!, this.births[0]!);
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    const slot = this.slots[0]!;
    this.keyBytes = copyKey(u8, i32, base, slot, true, this.key, 0);
    loadHit(pager, u8, i32, base, slot, this.hit);
  }
}

/** True when both versions hold the same entries in [low, high); `undefined` is unbounded. */
export function treeRangeEqual(
  pager: Pager,
  a: TreeRoot,
  b: TreeRoot,
  low: Bound,
  high: Bound,
): boolean {
  if (a.page === b.page && a.birth === b.birth) return true;
  if (low !== undefined && high !== undefined && Buffer.compare(low, high) >= 0) return true;
  const left = new Walker(pager, high);
  const right = new Walker(pager, high);
  left.start(a, low);
  right.start(b, low);
  skipSharedPath(left, right);
  while (left.at !== At.END && right.at !== At.END) {
    if (left.at === At.ENTRY && right.at === At.ENTRY) {
      if (!equalEntries(pager, left, right)) return false;
      left.nextEntry();
      right.nextEntry();
    } else if (left.at === At.NODE && right.at === At.NODE && sameNode(left, right, left.level)) {
      left.skip(left.level);
      right.skip(right.level);
    } else if (left.at === At.NODE && (right.at === At.ENTRY || left.level >= right.level)) {
      left.enter(undefined);
    } else {
      right.enter(undefined);
    }
  }
  return hasNoEntry(left) && hasNoEntry(right);
}

/** Both walkers stand at (in) the same page of the same birth at `level`. */
function sameNode(a: Walker, b: Walker, level: number): boolean {
  return (
    a.level === b.level && a.pages[level] === b.pages[level] && a.births[level] === b.births[level]
  );
}

/** After the start: when both stand at the same place of a common subtree, that is stepped over. */
function skipSharedPath(a: Walker, b: Walker): void {
  if (a.at !== At.ENTRY || b.at !== At.ENTRY) return;
  let shared = -1;
  for (let level = 0; level <= Math.min(a.top, b.top); level++) {
    if (a.pages[level] !== b.pages[level] || a.births[level] !== b.births[level]) break;
    if (a.slots[level] !== b.slots[level]) break;
    shared = level;
  }
  if (shared < 0) return;
  a.skip(shared);
  b.skip(shared);
}

/** Goes on to the next entry in range, if there is one. */
function hasNoEntry(walker: Walker): boolean {
  while (walker.at === At.NODE) walker.enter(undefined);
  return walker.at === At.END;
}

function equalEntries(pager: Pager, a: Walker, b: Walker): boolean {
  a.load();
  b.load();
  if (a.keyBytes !== b.keyBytes || a.hit.valueBytes !== b.hit.valueBytes) return false;
  for (let i = 0; i < a.keyBytes; i++) if (a.key[i] !== b.key[i]) return false;
  const overflows = (a.hit.overflowPage !== 0 ? 1 : 0) + (b.hit.overflowPage !== 0 ? 1 : 0);
  if (overflows === 2) return equalOverflow(pager, a.hit, b.hit);
  if (overflows === 1) return false;
  const from = a.hit.valueOffset;
  const other = b.hit.valueOffset;
  for (let i = 0; i < a.hit.valueBytes; i++) {
    if (a.hit.u8[from + i] !== b.hit.u8[other + i]) return false;
  }
  return true;
}

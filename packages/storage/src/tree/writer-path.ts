/**
 * The way from the root to one leaf that a tree writer stands on, every page of it private to the
 * writer's diff, and the steps that all changes share: descending, copying pages on write, deferred
 * counts, fences, growing a root. Owned by one `TreeWriter`, used by the thread that runs it.
 *
 * Invariants
 * 1. While `leafFrame` is not NO_FRAME, `frames[0..top]` are private and `slots[l]` is the slot of
 *    `frames[l - 1]` in the branch `frames[l]`. Private frames are dirty, so they stay in place
 *    between pager operations until the diff is spilled or a savepoint is set.
 * 2. `pending` entries (which may be negative) are not yet counted in the branches of the path nor
 *    in the root. Every structural change brings the counts up to date first.
 * 3. `lowerLevel` (`upperLevel`) is the lowest branch of the path in which the path has a left
 *    (right) neighbour: the separators there are the leaf's fences. OPEN_FENCE: there is none.
 */
import { assert } from '../assert.js';
import { PageKind } from '../format/page-header.js';
import { NO_FRAME } from '../ids.js';
import { KEY_BYTES_MAX } from '../limits.js';
import type { Diff } from '../pages/diff.js';
import type { Pager } from '../pages/pager.js';
import { commonBytes, copyBytes } from './copy-bytes.js';
import { initNode, insertChild } from './node-edit.js';
import {
  BRANCH_TAIL,
  CHILD_MAY_OVERFLOW,
  LEVELS_MAX,
  NODE_MAY_OVERFLOW,
  PREFIX_OFFSET,
  addNodeFlags,
  align4,
  cellAt,
  childBirth,
  childCount,
  childMayOverflow,
  childPage,
  nodeCapacity,
  nodeFlags,
  nodeLevel,
  prefixBytes,
  setChild,
  setChildCount,
  slotCount,
} from './node-layout.js';
import { branchCell, checkNode, copyKey, corruptPage, entriesBytes } from './node-read.js';
import { childSlot, compareSlot } from './node-search.js';
import { TreeRoot } from './tree-root.js';

/** No separator bounds the leaf on that side; level 0 has none. */
export const OPEN_FENCE = 0;
/** Length of a fence that does not exist. */
export const NO_FENCE = -1;
/** No insertion has been made into the leaf since the path came to it. */
export const NO_POSITION = -2;

const NO_BYTES = new Uint8Array(0);
/** Copied into each new path. */
const NO_LEVELS: readonly number[] = Array.from({ length: LEVELS_MAX }, () => 0);
const NO_WORDS = new Int32Array(0);
/** Scratch for whole keys, one set per thread: used within one change, never across two. */
const separatorScratch = new Uint8Array(KEY_BYTES_MAX);
const keyScratchA = new Uint8Array(KEY_BYTES_MAX);
const keyScratchB = new Uint8Array(KEY_BYTES_MAX);
const lowerFenceScratch = new Uint8Array(KEY_BYTES_MAX);
const upperFenceScratch = new Uint8Array(KEY_BYTES_MAX);

export class WriterPath {
  // Plain fields: the innermost loops read them.
  readonly pager: Pager;
  readonly diff: Diff;
  readonly root = new TreeRoot();
  readonly capacity: number;
  // Plain arrays: a writer is made per transaction, and typed ones of this size cost an allocation
  // outside the heap each.
  readonly frames: number[] = NO_LEVELS.slice();
  readonly slots: number[] = NO_LEVELS.slice();
  /** Level of the root page. */
  top = 0;
  leafFrame: number = NO_FRAME;
  leafU8: Uint8Array = NO_BYTES;
  leafI32: Int32Array = NO_WORDS;
  leafBase = 0;
  lowerLevel = OPEN_FENCE;
  upperLevel = OPEN_FENCE;
  pending = 0;
  /** Where the last insertion into this leaf went, to recognise runs. */
  lastPosition = NO_POSITION;
  /** Key to go into a branch. */
  readonly separator = separatorScratch;
  readonly keyA = keyScratchA;
  readonly keyB = keyScratchB;
  readonly lowerFence = lowerFenceScratch;
  readonly upperFence = upperFenceScratch;

  constructor(pager: Pager, diff: Diff, root: TreeRoot) {
    this.pager = pager;
    this.diff = diff;
    this.root.copyFrom(root);
    this.capacity = nodeCapacity(pager.pageBytes);
  }

  u8Of(frame: number): Uint8Array {
    return this.pager.u8[frame >>> this.pager.regionShift]!;
  }

  i32Of(frame: number): Int32Array {
    return this.pager.i32[frame >>> this.pager.regionShift]!;
  }

  baseOf(frame: number): number {
    return (frame & this.pager.regionMask) << this.pager.pageShift;
  }

  /** Counts what is pending in the branches of the path and in the root. */
  applyPending(): void {
    const pending = this.pending;
    if (pending === 0) return;
    this.pending = 0;
    this.root.count += pending;
    for (let level = 1; level <= this.top; level++) {
      const frame = this.frames[level]!;
      const i32 = this.i32Of(frame);
      const cell = cellAt(i32, this.baseOf(frame), this.slots[level]!);
      setChildCount(i32, cell, childCount(i32, cell) + pending);
    }
  }

  /** Gives the position up, counts first. */
  leave(): void {
    this.applyPending();
    this.leafFrame = NO_FRAME;
  }

  /** Gives the position up after a structural change that has left the counts right. */
  forget(): void {
    assert(this.pending === 0, 'counts are applied before the structure changes');
    this.leafFrame = NO_FRAME;
  }

  /** Makes an empty leaf the root of an empty tree. */
  plant(): void {
    const frame = this.pager.allocate(this.diff, PageKind.LEAF, 0);
    const { pageBytes } = this.pager;
    initNode(this.u8Of(frame), this.i32Of(frame), this.baseOf(frame), pageBytes, NO_BYTES, 0, 0);
    this.root.page = this.pager.pageOf(frame);
    this.root.birth = this.pager.birthOf(frame);
  }

  /** Goes down to the leaf that the key is routed to, reading only. Counts must be applied. */
  descend(key: Uint8Array, at: number, bytes: number): void {
    const pager = this.pager;
    const root = this.root;
    let frame = pager.fetch(root.page, root.birth);
    let i32 = pager.i32[frame >>> pager.regionShift]!;
    let base = (frame & pager.regionMask) << pager.pageShift;
    let level = nodeLevel(i32, base);
    if (level >= LEVELS_MAX) throw corruptPage(pager, root.page, `level ${level} is too high`);
    this.top = level;
    this.lowerLevel = OPEN_FENCE;
    this.upperLevel = OPEN_FENCE;
    for (;;) {
      checkNode(pager, i32, base, level);
      const u8 = pager.u8[frame >>> pager.regionShift]!;
      this.frames[level] = frame;
      if (level === 0) {
        this.leafU8 = u8;
        this.leafI32 = i32;
        this.leafBase = base;
        this.lastPosition = NO_POSITION;
        return;
      }
      const slot = childSlot(u8, i32, base, key, at, bytes);
      this.slots[level] = slot;
      if (slot > 0) this.lowerLevel = level;
      if (slot + 1 < slotCount(i32, base)) this.upperLevel = level;
      const cell = branchCell(pager, i32, base, slot);
      frame = pager.fetch(childPage(i32, cell), childBirth(i32, cell));
      i32 = pager.i32[frame >>> pager.regionShift]!;
      base = (frame & pager.regionMask) << pager.pageShift;
      level--;
    }
  }

  /** Copies the pages of the path that are not private yet, from the root down. */
  makePrivate(): void {
    for (let level = this.top; level >= 0; level--) {
      const frame = this.frames[level]!;
      if (!this.pager.isPrivate(this.diff, frame)) this.copyAt(level);
    }
    this.leafFrame = this.frames[0]!;
  }

  private copyAt(level: number): void {
    const frame = this.pager.copyForWrite(this.diff, this.frames[level]!);
    const i32 = this.i32Of(frame);
    const base = this.baseOf(frame);
    this.frames[level] = frame;
    if (level === this.top) {
      this.root.page = this.pager.pageOf(frame);
      this.root.birth = this.pager.birthOf(frame);
    } else {
      const parent = this.frames[level + 1]!;
      const parentI32 = this.i32Of(parent);
      const cell = cellAt(parentI32, this.baseOf(parent), this.slots[level + 1]!);
      setChild(parentI32, cell, i32, base);
    }
    if (level === 0) {
      this.leafU8 = this.u8Of(frame);
      this.leafI32 = i32;
      this.leafBase = base;
    }
  }

  /** Notes that the leaf of the path holds an overflow value. */
  markOverflow(): void {
    if ((nodeFlags(this.leafI32, this.leafBase) & NODE_MAY_OVERFLOW) !== 0) return;
    addNodeFlags(this.leafI32, this.leafBase, NODE_MAY_OVERFLOW);
    for (let level = 1; level <= this.top; level++) {
      const frame = this.frames[level]!;
      const i32 = this.i32Of(frame);
      const word = cellAt(i32, this.baseOf(frame), this.slots[level]!) >> 2;
      i32[word] = i32[word]! | CHILD_MAY_OVERFLOW;
    }
  }

  /** True when the key is not below the leaf's lower fence. */
  aboveLowerFence(key: Uint8Array, at: number, bytes: number): boolean {
    const level = this.lowerLevel;
    return level === OPEN_FENCE || this.compareAt(level, this.slots[level]!, key, at, bytes) >= 0;
  }

  belowUpperFence(key: Uint8Array, at: number, bytes: number): boolean {
    const level = this.upperLevel;
    if (level === OPEN_FENCE) return true;
    return this.compareAt(level, this.slots[level]! + 1, key, at, bytes) < 0;
  }

  private compareAt(
    level: number,
    slot: number,
    key: Uint8Array,
    at: number,
    bytes: number,
  ): number {
    const pager = this.pager;
    const frame = this.frames[level]!;
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    const i32 = pager.i32[frame >>> pager.regionShift]!;
    const base = (frame & pager.regionMask) << pager.pageShift;
    return compareSlot(u8, i32, base, slot, BRANCH_TAIL, key, at, bytes);
  }

  /** Copies the key of a slot at a level of the path; returns its length. */
  copyKeyAt(level: number, slot: number, target: Uint8Array): number {
    const frame = this.frames[level]!;
    const i32 = this.i32Of(frame);
    return copyKey(this.u8Of(frame), i32, this.baseOf(frame), slot, level === 0, target, 0);
  }

  /** Copies the lower fence of child `slot` of the branch at `level`: its length or NO_FENCE. */
  copyLowerFence(level: number, slot: number, target: Uint8Array): number {
    let at = slot;
    for (let l = level; l <= this.top; at = this.slots[++l]!) {
      if (at > 0) return this.copyKeyAt(l, at, target);
    }
    return NO_FENCE;
  }

  copyUpperFence(level: number, slot: number, target: Uint8Array): number {
    let at = slot + 1;
    for (let l = level; l <= this.top; at = this.slots[++l]! + 1) {
      const frame = this.frames[l]!;
      if (at < slotCount(this.i32Of(frame), this.baseOf(frame))) {
        return this.copyKeyAt(l, at, target);
      }
    }
    return NO_FENCE;
  }

  /** Puts a new branch above the root; the old root is its only child. */
  growRoot(): void {
    const oldFrame = this.frames[this.top]!;
    const level = this.top + 1;
    if (level >= LEVELS_MAX) throw corruptPage(this.pager, this.root.page, 'too high a tree');
    const frame = this.pager.allocate(this.diff, PageKind.BRANCH, level);
    const { pageBytes } = this.pager;
    const u8 = this.u8Of(frame);
    const i32 = this.i32Of(frame);
    const base = this.baseOf(frame);
    initNode(u8, i32, base, pageBytes, NO_BYTES, 0, 0);
    const oldI32 = this.i32Of(oldFrame);
    const oldBase = this.baseOf(oldFrame);
    const flagged = mayOverflow(oldI32, oldBase, this.top);
    insertChild(u8, i32, base, 0, NO_BYTES, 0, 0, oldI32, oldBase, this.root.count, flagged);
    this.root.page = this.pager.pageOf(frame);
    this.root.birth = this.pager.birthOf(frame);
    this.top = level;
    this.frames[level] = frame;
    this.slots[level] = 0;
  }
}

/** Whether the subtree below a node may hold overflow values. */
export function mayOverflow(i32: Int32Array, base: number, level: number): boolean {
  if (level === 0) return (nodeFlags(i32, base) & NODE_MAY_OVERFLOW) !== 0;
  const count = slotCount(i32, base);
  for (let slot = 0; slot < count; slot++) {
    if (childMayOverflow(i32, cellAt(i32, base, slot))) return true;
  }
  return false;
}

/** Entries below a node. */
export function entriesBelow(i32: Int32Array, base: number, level: number): number {
  const count = slotCount(i32, base);
  if (level === 0) return count;
  let entries = 0;
  for (let slot = 0; slot < count; slot++) entries += childCount(i32, cellAt(i32, base, slot));
  return entries;
}

/** The fences of a node to be built: lengths, or NO_FENCE. */
export interface Fences {
  readonly lower: Uint8Array;
  readonly lowerBytes: number;
  readonly upper: Uint8Array;
  readonly upperBytes: number;
}

/**
 * Chooses the prefix of a node built from slots `from .. to` of the node at `base`, writes it to
 * `target` and returns its length. What the fences share is shared by every key between them and
 * is taken when that makes the node smaller; otherwise the source's prefix stays, which its keys
 * are known to share. A node without keys has only its fences to go by.
 */
export function choosePrefix(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  from: number,
  to: number,
  leaf: boolean,
  target: Uint8Array,
  fences: Fences,
): number {
  const { lower, lowerBytes, upper, upperBytes } = fences;
  const current = prefixBytes(i32, base);
  const keys = leaf ? to - from : to - from - 1;
  let between = 0;
  if (lowerBytes !== NO_FENCE && upperBytes !== NO_FENCE) {
    between = commonBytes(lower, 0, lowerBytes, upper, 0, upperBytes);
  }
  let takeFences = keys <= 0;
  if (!takeFences && between > current) {
    const before = entriesBytes(i32, base, from, to, leaf, 0) + align4(current);
    const after = entriesBytes(i32, base, from, to, leaf, between - current) + align4(between);
    takeFences = after < before;
  }
  if (takeFences) copyBytes(target, 0, lower, 0, between);
  else copyBytes(target, 0, u8, base + PREFIX_OFFSET, current);
  return takeFences ? between : current;
}

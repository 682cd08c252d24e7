/**
 * Reading a node beyond searching: whole keys, sizes, and the cheap checks that keep a forged page
 * from leading a descent astray. Any thread, on pages that do not change meanwhile.
 */
import { ManifoldError, corrupt } from '../errors.js';
import { KEY_BYTES_MAX } from '../limits.js';
import type { Pager } from '../pages/pager.js';
import {
  BRANCH_TAIL,
  HEAD_BIAS,
  HEAD_BYTES,
  LEAF_TAIL,
  PREFIX_OFFSET,
  SLOT_BYTES,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_COUNTS,
  WORD_GARBAGE,
  WORD_HEAP_END,
  WORD_HEAP_TOP,
  WORD_PAGE,
  cellBytesAs,
  heapEnd,
  nodeKindLevel,
  slotCount,
  slotWord,
  slotsOffset,
} from './node-layout.js';

export function corruptPage(pager: Pager, page: number, what: string): ManifoldError {
  return corrupt(pager.path, page * pager.pageBytes, `page ${page}: ${what}`);
}

/** Throws unless the header is that of a node of this level whose slots and prefix lie inside. */
export function checkNode(pager: Pager, i32: Int32Array, base: number, level: number): void {
  const word = base >> 2;
  const counts = i32[word + WORD_COUNTS]!;
  const count = counts & 0xffff;
  const heapTop = i32[word + WORD_HEAP_TOP]!;
  const prefix = counts >>> 16;
  if (
    i32[word + WORD_BIRTH_HIGH_KIND_LEVEL]! >>> 16 !== nodeKindLevel(level) ||
    (i32[word + WORD_HEAP_END]! & 0xffff) << 2 !== pager.pageBytes ||
    heapTop > pager.pageBytes ||
    prefix > KEY_BYTES_MAX ||
    slotsOffset(prefix) + count * SLOT_BYTES > heapTop ||
    (count === 0 && level > 0)
  ) {
    throw corruptPage(pager, i32[word + WORD_PAGE]!, `not a tree page of level ${level}`);
  }
}

/** Cell of a branch's slot, checked to lie inside the page. */
export function branchCell(pager: Pager, i32: Int32Array, base: number, slot: number): number {
  const cell = base + ((i32[slotWord(i32, base, slot) + 1]! & 0xffff) << 2);
  if (cell - base > pager.pageBytes - BRANCH_TAIL) {
    throw corruptPage(pager, i32[(base >> 2) + WORD_PAGE]!, `slot ${slot} leaves the page`);
  }
  return cell;
}

/** Copies prefix and suffix of a slot's key; returns their length. */
export function copyKey(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  leaf: boolean,
  target: Uint8Array,
  offset: number,
): number {
  const word = base >> 2;
  const prefix = i32[word + WORD_COUNTS]! >>> 16;
  const from = base + PREFIX_OFFSET;
  for (let i = 0; i < prefix; i++) target[offset + i] = u8[from + i]!;
  const bytes = prefix + copySuffix(u8, i32, base, slot, leaf, target, offset + prefix);
  if (bytes > KEY_BYTES_MAX) throw keyDamaged(i32, base, slot);
  return bytes;
}

/** Copies the key behind the prefix; returns its length. */
export function copySuffix(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  leaf: boolean,
  target: Uint8Array,
  offset: number,
): number {
  const at = slotWord(i32, base, slot);
  const head = i32[at]! ^ HEAD_BIAS;
  const location = i32[at + 1]!;
  const suffix = location >>> 16;
  if (suffix >= HEAD_BYTES) {
    target[offset] = head >>> 24;
    target[offset + 1] = head >>> 16;
    target[offset + 2] = head >>> 8;
    target[offset + 3] = head;
    if (suffix > HEAD_BYTES) {
      const cell = base + ((location & 0xffff) << 2);
      const tail = cell + (leaf ? LEAF_TAIL : BRANCH_TAIL) - HEAD_BYTES;
      if (suffix > KEY_BYTES_MAX || tail + suffix > u8.length) throw keyDamaged(i32, base, slot);
      for (let i = HEAD_BYTES; i < suffix; i++) target[offset + i] = u8[tail + i]!;
    }
  } else {
    for (let i = 0; i < suffix; i++) target[offset + i] = head >>> (24 - 8 * i);
  }
  return suffix;
}

function keyDamaged(i32: Int32Array, base: number, slot: number): ManifoldError {
  const page = i32[(base >> 2) + WORD_PAGE]!;
  return new ManifoldError('ERR_MANIFOLD_CORRUPT', `page ${page}: slot ${slot} has no sound key`);
}

/**
 * Bytes of slots and cells `from .. to` if the node's prefix were `longer` bytes longer
 * (shorter when negative). Slot 0 of a branch has no key and keeps its size.
 */
export function entriesBytes(
  i32: Int32Array,
  base: number,
  from: number,
  to: number,
  leaf: boolean,
  longer: number,
): number {
  let bytes = (to - from) * SLOT_BYTES;
  for (let slot = from; slot < to; slot++) {
    const location = i32[slotWord(i32, base, slot) + 1]!;
    const cell = base + ((location & 0xffff) << 2);
    const suffix = !leaf && slot === 0 ? 0 : (location >>> 16) - longer;
    bytes += cellBytesAs(i32, cell, leaf, suffix);
  }
  return bytes;
}

/** Bytes of all slots and live cells. */
export function liveBytes(i32: Int32Array, base: number): number {
  const word = base >> 2;
  const heap = heapEnd(i32, base) - i32[word + WORD_HEAP_TOP]!;
  return heap - i32[word + WORD_GARBAGE]! + slotCount(i32, base) * SLOT_BYTES;
}

/**
 * Changes to one node in place: entries in, entries out. Run by the thread whose diff owns the
 * page. The caller has made sure of the room.
 */
import { ManifoldError } from '../errors.js';
import {
  BRANCH_TAIL,
  CHILD_BIRTH_LOW,
  CHILD_COUNT_LOW,
  CHILD_HIGH_HALVES,
  CHILD_MAY_OVERFLOW,
  HEAD_BIAS,
  HEAD_BYTES,
  PREFIX_OFFSET,
  SLOT_WORDS,
  TWO_32,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_BIRTH_LOW,
  WORD_COUNTS,
  WORD_GARBAGE,
  WORD_HEAP_END,
  WORD_HEAP_TOP,
  WORD_PAGE,
  branchCellBytes,
  cellBytesAs,
  heapEnd,
  slotWord,
} from './node-layout.js';
import { copyBytes } from './copy-bytes.js';
import { keyHead } from './node-search.js';

/** From here on `copyWithin` moves slots faster than the loop. */
const COPY_WITHIN_WORDS_MIN = 96;

/** Empties a node of `pageBytes`; `prefix[0 .. prefixLength)` becomes its prefix. */
export function initNode(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  pageBytes: number,
  prefix: Uint8Array,
  prefixLength: number,
  flags: number,
): void {
  const word = base >> 2;
  i32[word + WORD_COUNTS] = prefixLength << 16;
  i32[word + WORD_HEAP_TOP] = pageBytes;
  i32[word + WORD_GARBAGE] = 0;
  i32[word + WORD_HEAP_END] = (pageBytes >> 2) | (flags << 16);
  copyBytes(u8, base + PREFIX_OFFSET, prefix, 0, prefixLength);
}

/** Opens slot `position` and fills it. */
export function insertSlot(
  i32: Int32Array,
  base: number,
  position: number,
  head: number,
  cellOffset: number,
  suffix: number,
): void {
  const word = base >> 2;
  const counts = i32[word + WORD_COUNTS]!;
  const at = slotWord(i32, base, position);
  const end = slotWord(i32, base, counts & 0xffff);
  if (end - at >= COPY_WITHIN_WORDS_MIN) {
    i32.copyWithin(at + SLOT_WORDS, at, end);
  } else {
    for (let i = end - 1; i >= at; i--) i32[i + SLOT_WORDS] = i32[i]!;
  }
  i32[at] = head;
  i32[at + 1] = (cellOffset >> 2) | (suffix << 16);
  i32[word + WORD_COUNTS] = counts + 1;
}

/** Takes `bytes` (a multiple of 4) from the gap; returns the cell's offset in the page. */
export function takeCell(i32: Int32Array, base: number, bytes: number): number {
  const word = (base >> 2) + WORD_HEAP_TOP;
  const offset = i32[word]! - bytes;
  i32[word] = offset;
  return offset;
}

/** Copies the tail of the suffix `key[at .. at + suffix)`. */
export function writeTail(
  u8: Uint8Array,
  to: number,
  key: Uint8Array,
  at: number,
  suffix: number,
): void {
  for (let i = HEAD_BYTES; i < suffix; i++) u8[to + i - HEAD_BYTES] = key[at + i]!;
}

/** Bytes of the slot's cell, padding included. */
export function cellBytes(i32: Int32Array, base: number, slot: number, leaf: boolean): number {
  const location = i32[slotWord(i32, base, slot) + 1]!;
  return cellBytesAs(i32, base + ((location & 0xffff) << 2), leaf, location >>> 16);
}

/** The sizes do not add up: only a forged page can say so. */
export function damagedNode(i32: Int32Array, base: number): ManifoldError {
  const page = i32[(base >> 2) + WORD_PAGE]!;
  return new ManifoldError('ERR_MANIFOLD_CORRUPT', `page ${page}: its cells do not fit it`);
}

/** Gives a cell back: to the gap when it is the lowest, else as garbage. */
export function dropCell(i32: Int32Array, base: number, cellOffset: number, bytes: number): void {
  const word = base >> 2;
  if (bytes <= 0 || cellOffset + bytes > heapEnd(i32, base)) throw damagedNode(i32, base);
  if (i32[word + WORD_HEAP_TOP] === cellOffset) i32[word + WORD_HEAP_TOP] = cellOffset + bytes;
  else i32[word + WORD_GARBAGE] = i32[word + WORD_GARBAGE]! + bytes;
}

/** Removes slots `from .. to` and their cells. Slot 0 of a branch is the caller's care. */
export function removeSlots(
  i32: Int32Array,
  base: number,
  from: number,
  to: number,
  leaf: boolean,
): void {
  for (let slot = from; slot < to; slot++) {
    const offset = (i32[slotWord(i32, base, slot) + 1]! & 0xffff) << 2;
    dropCell(i32, base, offset, cellBytes(i32, base, slot, leaf));
  }
  const word = base >> 2;
  const counts = i32[word + WORD_COUNTS]!;
  const end = slotWord(i32, base, counts & 0xffff);
  const source = slotWord(i32, base, to);
  const target = slotWord(i32, base, from);
  if (end - source >= COPY_WITHIN_WORDS_MIN) i32.copyWithin(target, source, end);
  else for (let i = source; i < end; i++) i32[target + i - source] = i32[i]!;
  i32[word + WORD_COUNTS] = counts - (to - from);
}

/**
 * Inserts a child whose page stands at `childBase`; `key[at .. at + suffix)` is behind the prefix.
 */
export function insertChild(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  position: number,
  key: Uint8Array,
  at: number,
  suffix: number,
  childI32: Int32Array,
  childBase: number,
  count: number,
  mayOverflow: boolean,
): void {
  const offset = takeCell(i32, base, branchCellBytes(suffix));
  const word = (base + offset) >> 2;
  const header = childBase >> 2;
  i32[word] = childI32[header + WORD_PAGE]! | (mayOverflow ? CHILD_MAY_OVERFLOW : 0);
  i32[word + CHILD_BIRTH_LOW] = childI32[header + WORD_BIRTH_LOW]!;
  const birthHigh = childI32[header + WORD_BIRTH_HIGH_KIND_LEVEL]! & 0xffff;
  i32[word + CHILD_HIGH_HALVES] = birthHigh | (Math.floor(count / TWO_32) << 16);
  i32[word + CHILD_COUNT_LOW] = count | 0;
  writeTail(u8, base + offset + BRANCH_TAIL, key, at, suffix);
  insertSlot(i32, base, position, keyHead(key, at, suffix), offset, suffix);
}

/** Takes the key of a branch's slot away: it has become slot 0. */
export function clearKey(i32: Int32Array, base: number, slot: number): void {
  const word = slotWord(i32, base, slot);
  const location = i32[word + 1]!;
  const tail = branchCellBytes(location >>> 16) - BRANCH_TAIL;
  i32[word] = HEAD_BIAS;
  i32[word + 1] = location & 0xffff;
  const garbage = (base >> 2) + WORD_GARBAGE;
  i32[garbage] = i32[garbage]! + tail;
}

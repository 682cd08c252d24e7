/**
 * Layout of the pages of a B-tree: leaves and branches (slotted nodes), overflow data and overflow
 * index pages. Everything is little-endian and 4-aligned, so the code reads it through an Int32
 * view. Run by every thread that reads a tree; a page is changed only by the thread whose diff owns
 * its frame.
 *
 * Node (leaf or branch)
 *   offset bytes field
 *        0    16 common page header (format/page-header.ts); level 0 = leaf
 *       16     2 slotCount
 *       18     2 prefixBytes    length of the key prefix that every entry of this node shares
 *       20     4 heapTop        offset of the lowest cell; cells grow down from heapEnd
 *       24     4 garbageBytes   dead bytes between heapTop and heapEnd
 *       28     2 heapEnd        end of the node (the page size), in units of 4
 *       30     2 flags          NODE_MAY_OVERFLOW: a leaf may hold overflow values
 *       32       the prefix, padded to 4: in the header's cache line, where a search begins
 *       ..     8 per slot, in key order:
 *                  4 head       first 4 bytes of the suffix (key behind the prefix), big-endian,
 *                               zero padded, biased so that Int32 order = byte order
 *                  2 cell       offset of the cell, in units of 4
 *                  2 suffixBytes
 *       ..       free space
 *   heapTop      cells and garbage
 *
 * Cells are 4-aligned. The tail is the suffix behind its first 4 bytes, padded to 4; it comes
 * before the value so that a compare needs neither the value's length nor its cache lines.
 * Leaf cell: value word (4: value bytes, top bit = overflow), tail, value or overflow reference,
 *   padded to 4.
 * Branch cell: child page (4; top bit = subtree may hold overflow values), child birth low (4),
 *   child birth high (2), entry count high (2), entry count low (4), tail.
 * Overflow reference: page (4), birth low (4), birth high (2), depth (2): 0 = the page is the only
 *   data page, n = it is an index page of level n.
 * Overflow data page: header, payloadBytes (4) at 16, payload from 32. All but the last are full.
 * Overflow index page: header, entryCount (4) at 16, from 32 entries of 12: page, birth low, birth
 *   high. Level n refers to pages of level n - 1; data pages are level 0.
 *
 * Invariants
 * 1. Every key of a node is prefix + suffix. The prefix need not cover what may be routed to the
 *    node: a search compares it, and a key that does not share it stands before or behind all.
 * 2. Slot 0 of a branch has an empty key that is never compared: it is below everything.
 * 3. The separator of slot s is above every key of child s - 1 and not above any key of child s.
 * 4. garbageBytes + live cell bytes = heapEnd - heapTop.
 */
import { assert } from '../assert.js';
import {
  PAGE_HEADER_BIRTH_LOW,
  PAGE_HEADER_BYTES,
  PAGE_HEADER_KIND,
  PAGE_HEADER_NUMBER,
  PAGE_HEADER_SPECIFIC,
  PageKind,
} from '../format/page-header.js';
import { KEY_BYTES_MAX, PAGE_BYTES_MAX, PAGE_BYTES_MIN } from '../limits.js';

/** Words (Int32 index relative to the page) of the common header. */
export const WORD_PAGE = PAGE_HEADER_NUMBER >> 2;
export const WORD_BIRTH_LOW = PAGE_HEADER_BIRTH_LOW >> 2;
/** Birth high (16 bits), kind, level. */
export const WORD_BIRTH_HIGH_KIND_LEVEL = WORD_BIRTH_LOW + 1;
/** slotCount (low half), prefixBytes (high half). */
export const WORD_COUNTS = PAGE_HEADER_SPECIFIC >> 2;
export const WORD_HEAP_TOP = WORD_COUNTS + 1;
export const WORD_GARBAGE = WORD_HEAP_TOP + 1;
/** heapEnd / 4 (low half), flags (high half). */
export const WORD_HEAP_END = WORD_GARBAGE + 1;
export const PREFIX_OFFSET = PAGE_HEADER_BYTES;
export const WORD_PREFIX = PREFIX_OFFSET >> 2;
export const SLOT_BYTES = 8;
export const SLOT_WORDS = SLOT_BYTES >> 2;

export const NODE_MAY_OVERFLOW = 1;

/** Bytes of the suffix that stand in the slot's head. */
export const HEAD_BYTES = 4;
/** Added to the big-endian head so that signed compares order bytes. */
export const HEAD_BIAS = -0x80000000;

export const VALUE_OVERFLOW = -0x80000000;
export const VALUE_BYTES_MASK = 0x7fffffff;
/** Offset of the tail in a leaf cell. */
export const LEAF_TAIL = 4;
export const OVERFLOW_REFERENCE_BYTES = 12;

export const CHILD_MAY_OVERFLOW = -0x80000000;
export const CHILD_PAGE_MASK = 0x7fffffff;
/** Offset of the tail in a branch cell. */
export const BRANCH_TAIL = 16;
/** Words of a branch cell. */
export const CHILD_PAGE = 0;
export const CHILD_BIRTH_LOW = 1;
export const CHILD_HIGH_HALVES = 2;
export const CHILD_COUNT_LOW = 3;

/** Word of payloadBytes (data page) or entryCount (index page). */
export const WORD_OVERFLOW_COUNT = PAGE_HEADER_SPECIFIC >> 2;
export const OVERFLOW_BODY_OFFSET = PAGE_HEADER_BYTES;
export const OVERFLOW_ENTRY_BYTES = 12;

/** No tree is higher: a branch has two children at least, and pages are fewer than 2^31. */
export const LEVELS_MAX = 32;
export const TWO_32 = 0x100000000;

/** kind and level as they stand in the upper half of WORD_BIRTH_HIGH_KIND_LEVEL. */
export function kindLevel(kind: number, level: number): number {
  return kind | (level << 8);
}

/** The expected upper half for a node of this level. */
export function nodeKindLevel(level: number): number {
  return kindLevel(level === 0 ? PageKind.LEAF : PageKind.BRANCH, level);
}

/** Bytes for slots, cells and prefix. */
export function nodeCapacity(pageBytes: number): number {
  return pageBytes - PREFIX_OFFSET;
}

/** Longest value that may stand in a leaf. */
export function inlineValueBytesMax(pageBytes: number): number {
  return pageBytes >> 2;
}

/**
 * Most bytes that a leaf entry takes, slot included: a little under half the capacity, so that an
 * overfull node can always be cut in two (the margin covers padding and prefix).
 */
export function leafEntryBytesMax(pageBytes: number): number {
  return ((nodeCapacity(pageBytes) >> 1) - 8) & ~3;
}

export function align4(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** Bytes of a suffix that do not fit the head. */
export function tailBytes(suffix: number): number {
  return suffix > HEAD_BYTES ? suffix - HEAD_BYTES : 0;
}

assert(PAGE_HEADER_KIND === WORD_BIRTH_HIGH_KIND_LEVEL * 4 + 2, 'kind and level share a word');
assert(PAGE_BYTES_MAX >> 2 <= 0xffff, 'offsets in units of 4 fit 16 bits');
assert(
  (SLOT_BYTES + BRANCH_TAIL + align4(KEY_BYTES_MAX)) * 3 < nodeCapacity(PAGE_BYTES_MIN),
  'a branch holds its first child and two separators of maximum length, with one to spare',
);

// --- header fields; `base` is the byte offset of the page ----------------------------------------

export function slotCount(i32: Int32Array, base: number): number {
  return i32[(base >> 2) + WORD_COUNTS]! & 0xffff;
}

export function prefixBytes(i32: Int32Array, base: number): number {
  return i32[(base >> 2) + WORD_COUNTS]! >>> 16;
}

export function nodeFlags(i32: Int32Array, base: number): number {
  return i32[(base >> 2) + WORD_HEAP_END]! >>> 16;
}

export function addNodeFlags(i32: Int32Array, base: number, flags: number): void {
  const word = (base >> 2) + WORD_HEAP_END;
  i32[word] = i32[word]! | (flags << 16);
}

export function nodeLevel(i32: Int32Array, base: number): number {
  return i32[(base >> 2) + WORD_BIRTH_HIGH_KIND_LEVEL]! >>> 24;
}

/** Offset of slot 0 in a node with a prefix of this length. */
export function slotsOffset(prefixLength: number): number {
  return PREFIX_OFFSET + align4(prefixLength);
}

/** Bytes between the slots and the heap. */
export function gapBytes(i32: Int32Array, base: number): number {
  const word = base >> 2;
  const counts = i32[word + WORD_COUNTS]!;
  const slotsEnd = slotsOffset(counts >>> 16) + (counts & 0xffff) * SLOT_BYTES;
  return i32[word + WORD_HEAP_TOP]! - slotsEnd;
}

/** Bytes that an insertion can have, garbage included. */
export function freeBytes(i32: Int32Array, base: number): number {
  return gapBytes(i32, base) + i32[(base >> 2) + WORD_GARBAGE]!;
}

/** Offset of the end of the heap in the node. */
export function heapEnd(i32: Int32Array, base: number): number {
  return (i32[(base >> 2) + WORD_HEAP_END]! & 0xffff) << 2;
}

// --- slots ---------------------------------------------------------------------------------------

/** Word index of a slot. */
export function slotWord(i32: Int32Array, base: number, slot: number): number {
  const word = base >> 2;
  const prefixWords = ((i32[word + WORD_COUNTS]! >>> 16) + 3) >> 2;
  return word + WORD_PREFIX + prefixWords + slot * SLOT_WORDS;
}

export function suffixBytes(i32: Int32Array, base: number, slot: number): number {
  return i32[slotWord(i32, base, slot) + 1]! >>> 16;
}

/** Absolute byte offset of a slot's cell. */
export function cellAt(i32: Int32Array, base: number, slot: number): number {
  return base + ((i32[slotWord(i32, base, slot) + 1]! & 0xffff) << 2);
}

// --- cells; `cell` is the absolute byte offset ---------------------------------------------------

/** Bytes of what a value word stands for in its leaf. */
export function storedBytes(valueWord: number): number {
  return valueWord < 0 ? OVERFLOW_REFERENCE_BYTES : valueWord;
}

/** Bytes of a leaf cell. */
export function leafCellBytes(stored: number, suffix: number): number {
  return LEAF_TAIL + align4(tailBytes(suffix)) + align4(stored);
}

/** Bytes of a branch cell. */
export function branchCellBytes(suffix: number): number {
  return BRANCH_TAIL + align4(tailBytes(suffix));
}

/** Absolute offset of the value (or overflow reference) in a leaf cell. */
export function valueAt(cell: number, suffix: number): number {
  return cell + LEAF_TAIL + align4(tailBytes(suffix));
}

/** Bytes of the cell at `cell` if its key's suffix had this length. */
export function cellBytesAs(i32: Int32Array, cell: number, leaf: boolean, suffix: number): number {
  return leaf ? leafCellBytes(storedBytes(i32[cell >> 2]!), suffix) : branchCellBytes(suffix);
}

export function childPage(i32: Int32Array, cell: number): number {
  return i32[cell >> 2]! & CHILD_PAGE_MASK;
}

export function childBirth(i32: Int32Array, cell: number): number {
  const word = cell >> 2;
  const high = i32[word + CHILD_HIGH_HALVES]! & 0xffff;
  return high * TWO_32 + (i32[word + CHILD_BIRTH_LOW]! >>> 0);
}

export function childCount(i32: Int32Array, cell: number): number {
  const word = cell >> 2;
  const high = i32[word + CHILD_HIGH_HALVES]! >>> 16;
  return high * TWO_32 + (i32[word + CHILD_COUNT_LOW]! >>> 0);
}

export function childMayOverflow(i32: Int32Array, cell: number): boolean {
  return i32[cell >> 2]! < 0;
}

export function setChildCount(i32: Int32Array, cell: number, count: number): void {
  const word = cell >> 2;
  i32[word + CHILD_COUNT_LOW] = count | 0;
  const birthHigh = i32[word + CHILD_HIGH_HALVES]! & 0xffff;
  i32[word + CHILD_HIGH_HALVES] = birthHigh | (Math.floor(count / TWO_32) << 16);
}

/** Points a cell at the page whose header stands at `childBase`; keeps count and flag. */
export function setChild(
  i32: Int32Array,
  cell: number,
  childI32: Int32Array,
  childBase: number,
): void {
  const word = cell >> 2;
  const header = childBase >> 2;
  const flag = i32[word]! & CHILD_MAY_OVERFLOW;
  i32[word] = childI32[header + WORD_PAGE]! | flag;
  i32[word + CHILD_BIRTH_LOW] = childI32[header + WORD_BIRTH_LOW]!;
  const birthHigh = childI32[header + WORD_BIRTH_HIGH_KIND_LEVEL]! & 0xffff;
  const countHigh = i32[word + CHILD_HIGH_HALVES]! & ~0xffff;
  i32[word + CHILD_HIGH_HALVES] = birthHigh | countHigh;
}

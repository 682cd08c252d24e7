/**
 * Overflow values, read side: copying, comparing and walking the pages that hold one value.
 * Layout: node-layout.ts. Any thread, inside a pager operation.
 *
 * A value of n bytes takes ceil(n / payload) data pages; depth 0 refers to the only one, depth d
 * to an index page of level d. Index pages are fetched again for every entry, because a fetched
 * frame is only good for a few fetches when the cache is full.
 */
import { PageKind } from '../format/page-header.js';
import { PAGES_NEXT } from '../layout/pages.js';
import type { Pager } from '../pages/pager.js';
import {
  OVERFLOW_BODY_OFFSET,
  OVERFLOW_ENTRY_BYTES,
  TWO_32,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_OVERFLOW_COUNT,
  kindLevel,
} from './node-layout.js';
import { corruptPage } from './node-read.js';
import type { TreeHit } from './tree-root.js';

/** Value bytes per data page. */
export function overflowPayloadBytes(pageBytes: number): number {
  return pageBytes - OVERFLOW_BODY_OFFSET;
}

/** References per index page. */
export function overflowFanOut(pageBytes: number): number {
  return Math.floor((pageBytes - OVERFLOW_BODY_OFFSET) / OVERFLOW_ENTRY_BYTES);
}

/** Height of the index above the data pages of a value of `bytes` bytes. */
export function overflowDepth(pageBytes: number, bytes: number): number {
  let pages = Math.max(1, Math.ceil(bytes / overflowPayloadBytes(pageBytes)));
  let depth = 0;
  for (; pages > 1; depth++) pages = Math.ceil(pages / overflowFanOut(pageBytes));
  return depth;
}

/** Absolute byte offset of a fetched overflow page, checked to be of the kind and level. */
function checkedBase(pager: Pager, frame: number, page: number, level: number): number {
  const i32 = pager.i32[frame >>> pager.regionShift]!;
  const base = (frame & pager.regionMask) << pager.pageShift;
  const kind = level === 0 ? PageKind.OVERFLOW_DATA : PageKind.OVERFLOW_INDEX;
  if (i32[(base >> 2) + WORD_BIRTH_HIGH_KIND_LEVEL]! >>> 16 !== kindLevel(kind, level)) {
    throw corruptPage(pager, page, `not an overflow page of level ${level}`);
  }
  return base;
}

/** Called for every page of a value, data pages in the order of the value, before index pages. */
export type OverflowVisit = (page: number, birth: number, level: number) => void;

/** Walks the pages of an overflow value; data pages themselves are not read. */
export function forEachOverflowPage(
  pager: Pager,
  page: number,
  birth: number,
  level: number,
  visit: OverflowVisit,
): void {
  if (level > 0) {
    const count = overflowEntryCount(pager, page, birth, level);
    for (let entry = 0; entry < count; entry++) {
      const frame = pager.fetch(page, birth);
      const i32 = pager.i32[frame >>> pager.regionShift]!;
      const base = checkedBase(pager, frame, page, level);
      const word = (base + OVERFLOW_BODY_OFFSET + entry * OVERFLOW_ENTRY_BYTES) >> 2;
      const childBirth = (i32[word + 2]! & 0xffff) * TWO_32 + (i32[word + 1]! >>> 0);
      forEachOverflowPage(pager, i32[word]!, childBirth, level - 1, visit);
    }
  }
  visit(page, birth, level);
}

function overflowEntryCount(pager: Pager, page: number, birth: number, level: number): number {
  const frame = pager.fetch(page, birth);
  const i32 = pager.i32[frame >>> pager.regionShift]!;
  const base = checkedBase(pager, frame, page, level);
  const count = i32[(base >> 2) + WORD_OVERFLOW_COUNT]! >>> 0;
  if (count === 0 || count > overflowFanOut(pager.pageBytes)) {
    throw corruptPage(pager, page, `${count} entries in an overflow index`);
  }
  return count;
}

function checkDepth(pager: Pager, hit: TreeHit): void {
  if (hit.overflowDepth !== overflowDepth(pager.pageBytes, hit.valueBytes)) {
    throw corruptPage(pager, hit.overflowPage, `overflow depth ${hit.overflowDepth} is wrong`);
  }
}

/**
 * To be called before memory is made for an overflow value: a value has a page of its own for every
 * piece, so none is longer than the file. A read that may not load pages ends here when one of the
 * value's is missing.
 */
export function requireReadable(pager: Pager, hit: TreeHit): void {
  checkDepth(pager, hit);
  const pages = Math.ceil(hit.valueBytes / overflowPayloadBytes(pager.pageBytes));
  if (pages > pager.shared.pagesControl[PAGES_NEXT]!) {
    const problem = `a value of ${hit.valueBytes} bytes is longer than the file`;
    throw corruptPage(pager, hit.overflowPage, problem);
  }
  const { loader } = pager;
  if (!loader.refusesToLoad) return;
  // Many pages missed at once are read side by side, and the descent is done again less often.
  forEachOverflowPage(pager, hit.overflowPage, hit.overflowBirth, hit.overflowDepth, (p, b) => {
    loader.expect(p, b);
  });
  loader.requireExpected();
}

/** A data page's place in memory and its part of the value. */
interface Piece {
  u8: Uint8Array;
  at: number;
  bytes: number;
}

/** Fetches data page `page`; `expected` is the payload that it must hold. */
function fetchPiece(pager: Pager, page: number, birth: number, expected: number): Piece {
  const frame = pager.fetch(page, birth);
  const base = checkedBase(pager, frame, page, 0);
  const i32 = pager.i32[frame >>> pager.regionShift]!;
  const bytes = i32[(base >> 2) + WORD_OVERFLOW_COUNT]! >>> 0;
  if (bytes !== expected) {
    throw corruptPage(pager, page, `${bytes} payload bytes instead of ${expected}`);
  }
  return { u8: pager.u8[frame >>> pager.regionShift]!, at: base + OVERFLOW_BODY_OFFSET, bytes };
}

/** Calls `take` for every piece of the value in order. */
export function forEachPiece(
  pager: Pager,
  hit: TreeHit,
  take: (piece: Uint8Array, offset: number) => void,
): void {
  checkDepth(pager, hit);
  const full = overflowPayloadBytes(pager.pageBytes);
  const total = hit.valueBytes;
  let offset = 0;
  forEachOverflowPage(pager, hit.overflowPage, hit.overflowBirth, hit.overflowDepth, (p, b, l) => {
    if (l > 0) return;
    const expected = Math.min(full, total - offset);
    const piece = fetchPiece(pager, p, b, expected);
    take(piece.u8.subarray(piece.at, piece.at + piece.bytes), offset);
    offset += piece.bytes;
  });
  if (offset !== total)
    throw corruptPage(pager, hit.overflowPage, 'an overflow value is cut short');
}

/** Copies an overflow value into `target`, at least hit.valueBytes long. */
export function readOverflow(pager: Pager, hit: TreeHit, target: Uint8Array): void {
  forEachPiece(pager, hit, (piece, offset) => target.set(piece, offset));
}

/** True when two overflow values of equal length hold the same bytes. */
export function equalOverflow(pager: Pager, a: TreeHit, b: TreeHit): boolean {
  if (a.overflowPage === b.overflowPage && a.overflowBirth === b.overflowBirth) return true;
  const bytes = a.valueBytes;
  if (bytes !== b.valueBytes) return false;
  // Equal lengths are cut into pieces alike.
  const refs: { page: number; birth: number }[] = [];
  checkDepth(pager, b);
  forEachOverflowPage(pager, b.overflowPage, b.overflowBirth, b.overflowDepth, (page, birth, l) => {
    if (l === 0) refs.push({ page, birth });
  });
  let equal = true;
  let index = 0;
  forEachPiece(pager, a, (piece) => {
    const ref = refs[index++];
    if (!equal) return;
    if (ref === undefined)
      throw corruptPage(pager, b.overflowPage, 'an overflow value is cut short');
    const other = fetchPiece(pager, ref.page, ref.birth, piece.length);
    equal = Buffer.compare(piece, other.u8.subarray(other.at, other.at + other.bytes)) === 0;
  });
  return equal;
}

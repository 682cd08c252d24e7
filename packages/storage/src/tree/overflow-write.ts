/**
 * Overflow values, write side. Run by the thread that owns the diff.
 *
 * Data pages are written in order; per index level one page is open in private memory and goes out
 * when it is full, so a value of any size needs a few pages of memory. Long values bypass the
 * frames (`Pager.writeThrough`): they need not fit the cache, and nothing durable refers to them.
 */
import { PageKind } from '../format/page-header.js';
import { KIB } from '../limits.js';
import type { Diff } from '../pages/diff.js';
import type { Pager } from '../pages/pager.js';
import {
  OVERFLOW_BODY_OFFSET,
  OVERFLOW_ENTRY_BYTES,
  TWO_32,
  WORD_COUNTS,
  WORD_OVERFLOW_COUNT,
  WORD_PREFIX,
  slotWord,
  valueAt,
} from './node-layout.js';
import {
  forEachOverflowPage,
  overflowDepth,
  overflowFanOut,
  overflowPayloadBytes,
} from './overflow-read.js';

/** Values from here on are written straight to the file. */
export const WRITE_THROUGH_BYTES_MIN = 256 * KIB;

/** Three words as they stand in a leaf cell. */
export const REFERENCE_WORDS = 3;

interface OpenIndex {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  count: number;
}

function openIndex(pageBytes: number): OpenIndex {
  const buffer = new ArrayBuffer(pageBytes);
  return { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), count: 0 };
}

class OverflowWriter {
  readonly #pager: Pager;
  readonly #diff: Diff;
  readonly #direct: boolean;
  readonly #depth: number;
  /** indexes[n]: open page of level n + 1. */
  readonly #indexes: OpenIndex[] = [];
  readonly #buffer: OpenIndex;
  #page = 0;
  #birth = 0;

  constructor(pager: Pager, diff: Diff, bytes: number) {
    this.#pager = pager;
    this.#diff = diff;
    this.#direct = pager.canWriteThrough && bytes > WRITE_THROUGH_BYTES_MIN;
    this.#depth = overflowDepth(pager.pageBytes, bytes);
    for (let level = 1; level <= this.#depth; level++) {
      this.#indexes.push(openIndex(pager.pageBytes));
    }
    this.#buffer = openIndex(pager.pageBytes);
  }

  write(value: Uint8Array, offset: number, bytes: number, reference: Int32Array): void {
    const full = overflowPayloadBytes(this.#pager.pageBytes);
    for (let done = 0; done < bytes || done === 0; done += full) {
      const length = Math.min(full, bytes - done);
      const piece = value.subarray(offset + done, offset + done + length);
      this.#writePage(PageKind.OVERFLOW_DATA, 0, length, piece);
      this.#refer(1);
    }
    for (let level = 1; level <= this.#depth; level++) {
      if (this.#indexes[level - 1]!.count > 0) this.#closeIndex(level);
    }
    if (this.#direct) this.#pager.flushWriteThrough();
    reference[0] = this.#page;
    reference[1] = this.#birth | 0;
    reference[2] = Math.floor(this.#birth / TWO_32) | (this.#depth << 16);
  }

  /** Enters the page just written into the open index of `level`. */
  #refer(level: number): void {
    if (level > this.#depth) return;
    const index = this.#indexes[level - 1]!;
    const word = (OVERFLOW_BODY_OFFSET + index.count * OVERFLOW_ENTRY_BYTES) >> 2;
    index.i32[word] = this.#page;
    index.i32[word + 1] = this.#birth | 0;
    index.i32[word + 2] = Math.floor(this.#birth / TWO_32);
    index.count++;
    if (index.count === overflowFanOut(this.#pager.pageBytes)) this.#closeIndex(level);
  }

  #closeIndex(level: number): void {
    const index = this.#indexes[level - 1]!;
    const end = OVERFLOW_BODY_OFFSET + index.count * OVERFLOW_ENTRY_BYTES;
    const entries = index.u8.subarray(OVERFLOW_BODY_OFFSET, end);
    this.#writePage(PageKind.OVERFLOW_INDEX, level, index.count, entries);
    index.count = 0;
    this.#refer(level + 1);
  }

  /** Writes one page; its number and birth are then in #page and #birth. */
  #writePage(kind: PageKind, level: number, count: number, body: Uint8Array): void {
    const pager = this.#pager;
    if (this.#direct) {
      const { u8, i32 } = this.#buffer;
      fill(u8, i32, 0, count, body);
      u8.fill(0, OVERFLOW_BODY_OFFSET + body.length);
      pager.writeThrough(this.#diff, u8, kind, level);
      this.#page = this.#diff.lastPage;
      this.#birth = this.#diff.lastBirth;
      return;
    }
    const frame = pager.allocate(this.#diff, kind, level);
    const base = (frame & pager.regionMask) << pager.pageShift;
    const u8 = pager.u8[frame >>> pager.regionShift]!;
    fill(u8, pager.i32[frame >>> pager.regionShift]!, base, count, body);
    this.#page = pager.pageOf(frame);
    this.#birth = pager.birthOf(frame);
  }
}

function fill(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  count: number,
  body: Uint8Array,
): void {
  i32.fill(0, (base >> 2) + WORD_COUNTS, (base >> 2) + WORD_PREFIX);
  i32[(base >> 2) + WORD_OVERFLOW_COUNT] = count;
  u8.set(body, base + OVERFLOW_BODY_OFFSET);
}

/** Writes `value[offset .. offset + bytes)` to new overflow pages and fills `reference`. */
export function writeOverflow(
  pager: Pager,
  diff: Diff,
  value: Uint8Array,
  offset: number,
  bytes: number,
  reference: Int32Array,
): void {
  new OverflowWriter(pager, diff, bytes).write(value, offset, bytes, reference);
}

/** Takes the pages of a slot's value, if it has any, out of the diff's version. */
export function releaseValue(
  pager: Pager,
  diff: Diff,
  i32: Int32Array,
  base: number,
  slot: number,
): void {
  const location = i32[slotWord(i32, base, slot) + 1]!;
  const cell = base + ((location & 0xffff) << 2);
  if (i32[cell >> 2]! >= 0) return;
  const word = valueAt(cell, location >>> 16) >> 2;
  const birth = (i32[word + 2]! & 0xffff) * TWO_32 + (i32[word + 1]! >>> 0);
  const depth = i32[word + 2]! >>> 16;
  forEachOverflowPage(pager, i32[word]!, birth, depth, (p, b) => pager.release(diff, p, b));
}

/**
 * A thread's private stock of free frames, page numbers and births, refilled in one lock hold, so
 * that allocating a page costs no atomic operation. What is left in a magazine when its thread
 * stops is lost to this run only: nothing durable refers to it.
 */
import { assert } from '../assert.js';
import { NO_FRAME } from '../ids.js';
import {
  FRAMES_COUNT,
  FRAMES_FREE_COUNT,
  PAGES_BIRTH,
  PAGES_FREE_COUNT,
  PAGES_NEXT,
} from '../layout/pages.js';
import { ManifoldError } from '../errors.js';
import type { Shared } from '../shared.js';
import { loadWideOwned, storeWide } from '../sync/wide.js';
import { evictFrames, popFreeFrame, pushFreeFrame, recycleFrames } from './frame-table.js';
import { lockPages, tryLockPages, unlockPages } from './pages-lock.js';

/** Frames taken at once: a share of the cache, so that few are idle in a small one. */
const REFILL_SHARE_SHIFT = 4;
const FRAMES_PER_REFILL_MIN = 32;
const FRAMES_PER_REFILL_MAX = 128;
const PAGES_PER_REFILL = 32;
const BIRTHS_PER_REFILL = 64;
const PAGE_NUMBERS_MAX = 0x7fffffff;
/** Frames evicted at once when the free list is empty. */
const EVICTION_BATCH = 64;

export class Magazine {
  readonly #shared: Shared;
  readonly #framesPerRefill: number;
  #frames: Int32Array;
  #frameCount = 0;
  readonly #pages = new Int32Array(PAGES_PER_REFILL);
  #pageCount = 0;
  #nextBirth = 0;
  #birthEnd = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
    const share = shared.pagesControl[FRAMES_COUNT]! >>> REFILL_SHARE_SHIFT;
    const most = Math.min(FRAMES_PER_REFILL_MAX, share);
    this.#framesPerRefill = Math.max(FRAMES_PER_REFILL_MIN, most);
    this.#frames = new Int32Array(this.#framesPerRefill);
  }

  /** Frames in stock: what no other thread can take any more. */
  get frameCount(): number {
    return this.#frameCount;
  }

  /**
   * Stocks up to `count` frames at least. All or nothing: who waits for more must not hold what
   * others need to get on.
   */
  fillFrames(count: number): boolean {
    if (count > this.#frames.length) {
      const grown = new Int32Array(count);
      grown.set(this.#frames);
      this.#frames = grown;
    }
    const control = this.#shared.pagesControl;
    lockPages(this.#shared);
    const isThere = this.#frameCount + control[FRAMES_FREE_COUNT]! >= count;
    if (isThere) this.#popFrames(Math.max(count, this.#framesPerRefill));
    unlockPages(this.#shared);
    return isThere;
  }

  #popFrames(count: number): void {
    while (this.#frameCount < count) {
      const frame = popFreeFrame(this.#shared);
      if (frame === NO_FRAME) break;
      this.#frames[this.#frameCount++] = frame;
    }
  }

  takeFrame(): number {
    if (this.#frameCount === 0) this.#refillFrames();
    if (this.#frameCount === 0) {
      throw new ManifoldError(
        'ERR_MANIFOLD_FULL',
        'no page frame is free: the transaction is larger than cacheBytes allows; raise cacheBytes',
      );
    }
    return this.#frames[--this.#frameCount]!;
  }

  takePage(): number {
    if (this.#pageCount === 0) this.#refillPages();
    return this.#pages[--this.#pageCount]!;
  }

  takeBirth(): number {
    if (this.#nextBirth === this.#birthEnd) this.#refillBirths();
    return this.#nextBirth++;
  }

  #refillFrames(): void {
    const shared = this.#shared;
    const control = shared.pagesControl;
    lockPages(this.#shared);
    if (control[FRAMES_FREE_COUNT]! < this.#framesPerRefill) {
      recycleFrames(shared);
      if (control[FRAMES_FREE_COUNT]! < this.#framesPerRefill) {
        evictFrames(shared, EVICTION_BATCH);
        recycleFrames(shared);
      }
    }
    this.#popFrames(this.#framesPerRefill);
    unlockPages(this.#shared);
  }

  /** Lowest numbers last in the stock, so they are handed out first and writes coalesce. */
  #refillPages(): void {
    const { pagesControl: control, freePages } = this.#shared;
    lockPages(this.#shared);
    const free = control[PAGES_FREE_COUNT]!;
    const taken = Math.min(free, PAGES_PER_REFILL);
    for (let i = 0; i < taken; i++) this.#pages[taken - 1 - i] = freePages[free - 1 - i]!;
    control[PAGES_FREE_COUNT] = free - taken;
    if (taken === 0) {
      const next = control[PAGES_NEXT]!;
      assert(next < PAGE_NUMBERS_MAX - PAGES_PER_REFILL, 'the data file has a free page number');
      for (let i = 0; i < PAGES_PER_REFILL; i++) {
        this.#pages[i] = next + PAGES_PER_REFILL - 1 - i;
      }
      control[PAGES_NEXT] = next + PAGES_PER_REFILL;
    }
    this.#pageCount = taken === 0 ? PAGES_PER_REFILL : taken;
    unlockPages(this.#shared);
  }

  #refillBirths(): void {
    const control = this.#shared.pagesControl;
    lockPages(this.#shared);
    this.#nextBirth = loadWideOwned(control, PAGES_BIRTH);
    this.#birthEnd = this.#nextBirth + BIRTHS_PER_REFILL;
    storeWide(control, PAGES_BIRTH, this.#birthEnd);
    unlockPages(this.#shared);
  }

  /** Gives the frames back, for a thread that waits for more, or stops using the pager. */
  returnFrames(): void {
    if (!tryLockPages(this.#shared)) return;
    while (this.#frameCount > 0) pushFreeFrame(this.#shared, this.#frames[--this.#frameCount]!);
    unlockPages(this.#shared);
  }
}

/**
 * Brings pages from the data file into frames, for one thread's pager: into a shared frame when one
 * is free, else into one of the few frames the thread keeps for itself.
 *
 * Invariants
 * 1. A page is linked only after checksum, number and birth were verified.
 * 2. A frame in state LOADING or SCRATCH is on no chain: only this thread knows it.
 */
import { assert } from '../assert.js';
import { ManifoldError, corrupt, errnoOf } from '../errors.js';
import type { PageReference } from '../format/free-map.js';
import { checkPage } from '../format/page-header.js';
import { NO_FRAME } from '../ids.js';
import {
  FRAME_ROW_SHIFT,
  FRAME_STATE,
  STATE_CLEAN,
  STATE_LOADING,
  STATE_SCRATCH,
} from '../layout/pages.js';
import { TEST_SWITCH_PAGES_NOT_CHECKED, isTestSwitchOn } from '../layout/test-switches.js';
import { linkFrame, popFreeFrame, pushFreeFrame } from './frame-table.js';
import { lockPages, tryLockPages, unlockPages } from './pages-lock.js';
import type { Pager } from './pager.js';

/** Frames a thread keeps for itself, for reads when no shared frame is free. */
const SCRATCH_FRAMES = 32;

/** Thrown through a read that may not load pages. */
export const PAGE_IS_MISSING = new Error('a page is not in memory');

/** Pages that a read may say at once it misses: reads of the file that run side by side. */
const MISSING_MAX = 256;

export class PageLoader {
  /** While set, a miss throws PAGE_IS_MISSING and says here which pages (`async-load.ts`). */
  refusesToLoad = false;
  missing: PageReference[] = [];
  /** Pages read from the file by this thread. */
  misses = 0;
  readonly #pager: Pager;
  readonly #scratch = new Int32Array(SCRATCH_FRAMES);
  #scratchCount = 0;
  #scratchHand = 0;

  constructor(pager: Pager) {
    this.#pager = pager;
  }

  /** Frame of a page that the caller did not find; another thread may have loaded it meanwhile. */
  load(page: number, birth: number): number {
    if (this.refusesToLoad) {
      this.missing.push({ page, birth });
      throw PAGE_IS_MISSING;
    }
    const pager = this.#pager;
    // A page written early may still stand in the write buffer.
    pager.flushWriteThrough();
    const { shared } = pager;
    if (!tryLockPages(shared)) {
      // Its holder is dead: the buckets do not change any more (`pages-lock.ts`).
      const found = pager.findFrame(page);
      return found === NO_FRAME ? this.#loadScratch(page, birth) : found;
    }
    let frame = pager.findFrame(page);
    if (frame !== NO_FRAME) {
      unlockPages(shared);
      return frame;
    }
    frame = popFreeFrame(shared);
    if (frame !== NO_FRAME) this.#setState(frame, STATE_LOADING);
    unlockPages(shared);
    if (frame === NO_FRAME) return this.#loadScratch(page, birth);
    this.#fill(frame, page, birth);
    return this.#link(frame, page);
  }

  /**
   * A read that may not load pages is going to want this one: notes it when it is not in memory,
   * and ends the read when enough are noted.
   */
  expect(page: number, birth: number): void {
    if (this.#pager.findFrame(page) !== NO_FRAME) return;
    this.missing.push({ page, birth });
    if (this.missing.length === MISSING_MAX) throw PAGE_IS_MISSING;
  }

  /** Ends the read when a page is not there that it expects. */
  requireExpected(): void {
    if (this.missing.length > 0) throw PAGE_IS_MISSING;
  }

  #fill(frame: number, page: number, birth: number): void {
    const { shared } = this.#pager;
    try {
      this.#read(page, birth, this.#pager.frameBytes(frame));
    } catch (error) {
      if (tryLockPages(shared)) {
        pushFreeFrame(shared, frame);
        unlockPages(shared);
      }
      throw error;
    }
  }

  /** Links a filled frame, unless another thread was faster; without the lock it stays ours. */
  #link(frame: number, page: number): number {
    const { shared } = this.#pager;
    if (!tryLockPages(shared)) return frame;
    const other = this.#pager.findFrame(page);
    if (other === NO_FRAME) {
      this.#setState(frame, STATE_CLEAN);
      linkFrame(shared, frame, page);
    } else {
      pushFreeFrame(shared, frame);
    }
    unlockPages(shared);
    return other === NO_FRAME ? frame : other;
  }

  /** The page in one of this thread's own frames, taken in turn; valid for a few fetches. */
  #loadScratch(page: number, birth: number): number {
    assert(this.#scratchCount > 0, 'scratch frames are reserved before the cache is full');
    const frame = this.#scratch[this.#scratchHand]!;
    this.#scratchHand = (this.#scratchHand + 1) % this.#scratchCount;
    this.#read(page, birth, this.#pager.frameBytes(frame));
    return frame;
  }

  /** Sets this thread's scratch frames aside. Runs before any page is fetched. */
  reserveScratch(): void {
    const { shared } = this.#pager;
    lockPages(shared);
    while (this.#scratchCount < SCRATCH_FRAMES) {
      const frame = popFreeFrame(shared);
      assert(frame !== NO_FRAME, 'the smallest cache has room for the scratch frames');
      this.#setState(frame, STATE_SCRATCH);
      this.#scratch[this.#scratchCount++] = frame;
    }
    unlockPages(shared);
  }

  /** Links a frame with these verified bytes; false when no frame is free. Inside an operation. */
  adopt(page: number, bytes: Uint8Array): boolean {
    const { shared } = this.#pager;
    if (!tryLockPages(shared)) return false;
    let frame = this.#pager.findFrame(page);
    if (frame === NO_FRAME) {
      frame = popFreeFrame(shared);
      if (frame !== NO_FRAME) {
        this.#pager.frameBytes(frame).set(bytes);
        this.#setState(frame, STATE_CLEAN);
        linkFrame(shared, frame, page);
      }
    }
    unlockPages(shared);
    return frame !== NO_FRAME;
  }

  #read(page: number, birth: number, target: Uint8Array): void {
    const { file, pageBytes } = this.#pager;
    assert(file !== undefined, `page ${page} is in memory when there is no file`);
    this.misses++;
    let bytes: number;
    try {
      bytes = file.read(target, page * pageBytes);
    } catch (error) {
      throw this.readError(page, error);
    }
    this.verify(page, birth, target, bytes);
  }

  /** ERR_MANIFOLD_IO for what the operating system says when it cannot read a page. */
  readError(page: number, error: unknown): unknown {
    if (errnoOf(error) === undefined) return error;
    const { path, pageBytes } = this.#pager;
    const offset = page * pageBytes;
    const what = `page ${page} cannot be read: ${(error as Error).message}`;
    const details = { cause: error, path, offset };
    return new ManifoldError('ERR_MANIFOLD_IO', `${path}, offset ${offset}: ${what}`, details);
  }

  /** Throws ERR_MANIFOLD_CORRUPT unless these are the `length` bytes of the expected page. */
  verify(page: number, birth: number, bytes: Uint8Array, length: number): void {
    const { path, pageBytes } = this.#pager;
    const offset = page * pageBytes;
    if (length !== pageBytes) {
      throw corrupt(path, offset, `page ${page} lies behind the end of the file`);
    }
    const problem = checkPage(bytes, page, birth);
    if (problem === undefined) return;
    // B11 re-injected: it is used as it is.
    if (isTestSwitchOn(this.#pager.shared, TEST_SWITCH_PAGES_NOT_CHECKED)) return;
    throw corrupt(path, offset, problem);
  }

  #setState(frame: number, state: number): void {
    this.#pager.shared.frameTable[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] = state;
  }
}

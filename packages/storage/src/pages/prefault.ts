/**
 * Touches shared memory ahead of its first use. The operating system hands out memory page by page
 * on the first store, which costs 2 to 4 µs for each 4 KiB on a virtual machine: as much as filling
 * the page. A thread with time to spare does it, a little ahead of the frames in use, so that the
 * memory of a small database stays small.
 */
import { FRAMES_COUNT, FRAMES_HIGH } from '../layout/pages.js';
import { BUFFER_RESETS } from '../layout/write-buffer.js';
import type { Shared } from '../shared.js';
import type { Pager } from './pager.js';

const SYSTEM_PAGE_BYTES = 4096;
/** Frames that are kept touched beyond the highest one taken. */
const BYTES_AHEAD = 32 * 1024 * 1024;
const BYTES_PER_STEP = 1024 * 1024;

/**
 * Exchanging zero for zero changes nothing, whoever else is storing to the word: it only makes the
 * page exist. Not `Atomics.add`: that loads first, so the system maps its page of zeros, replaces
 * it at the store, and interrupts every other processor to make it forget the first one.
 */
function touch(words: Int32Array, fromByte: number, endByte: number): void {
  for (let byte = fromByte; byte < endByte; byte += SYSTEM_PAGE_BYTES) {
    Atomics.compareExchange(words, byte >>> 2, 0, 0);
  }
}

/** Touches the page frames ahead of use, a bounded piece per step. One per database. */
export class FramePrefault {
  readonly #pager: Pager;
  readonly #framesAhead: number;
  readonly #framesPerStep: number;
  #next = 0;

  constructor(pager: Pager) {
    this.#pager = pager;
    this.#framesAhead = BYTES_AHEAD / pager.pageBytes;
    this.#framesPerStep = BYTES_PER_STEP / pager.pageBytes;
  }

  /** Returns whether there was anything to touch. */
  step(): boolean {
    const control = this.#pager.shared.pagesControl;
    const frames = control[FRAMES_COUNT]!;
    const wanted = Math.min(frames, Atomics.load(control, FRAMES_HIGH) + this.#framesAhead);
    // Frames behind the highest one taken were touched by whoever took them.
    this.#next = Math.max(this.#next, Math.min(Atomics.load(control, FRAMES_HIGH), frames));
    const end = Math.min(wanted, this.#next + this.#framesPerStep);
    if (this.#next >= end) return false;
    for (; this.#next < end; this.#next++) {
      const { regionShift, regionMask, pageShift, pageBytes, i32 } = this.#pager;
      const base = (this.#next & regionMask) << pageShift;
      touch(i32[this.#next >>> regionShift]!, base, base + pageBytes);
    }
    return true;
  }
}

/**
 * Touches the generations of the write buffer ahead of use, a bounded piece per step: all that were
 * ever active, and the one behind them; none before the first commit. One per database.
 */
export class BufferPrefault {
  readonly #blocks: readonly Int32Array[];
  #block = 0;
  #next = 0;

  constructor(shared: Shared) {
    this.#blocks = shared.writeBuffers.map((memory) => new Int32Array(memory));
  }

  /** Returns whether there was anything to touch. */
  step(): boolean {
    const words = this.#blocks[this.#block];
    if (words === undefined || !this.#isDue()) return false;
    const end = Math.min(words.byteLength, this.#next + BYTES_PER_STEP);
    touch(words, this.#next, end);
    this.#next = end;
    if (end === words.byteLength) {
      this.#block++;
      this.#next = 0;
    }
    return true;
  }

  /** The block before was active, the first one itself: the main thread empties a block first. */
  #isDue(): boolean {
    const used = this.#blocks[Math.max(0, this.#block - 1)]!;
    return Atomics.load(used, BUFFER_RESETS) !== 0;
  }
}

/** Touches the whole log ring. */
export function prefaultRing(shared: Shared): void {
  touch(new Int32Array(shared.ringBytes.buffer), 0, shared.ringBytes.length);
}

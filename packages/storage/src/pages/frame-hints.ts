/**
 * What look-ups of one thread found in the frame table, by page number. While nothing is written, a
 * descent finds its frames in this one small table instead of in two large ones (measured with a
 * million entries and random keys: 10 to 15 % of a look-up). One instance per thread, its own.
 *
 * Invariants
 * 1. Hints hold in an operation only if the global epoch, read after the operation has published
 *    its own, is still the one in which all of them were found. A frame is off its chain before the
 *    epoch advances (`frame-table.ts`, 2): so none of them was retired before the operation became
 *    visible, and one that is retired later is not recycled before the operation ends.
 * 2. A change by this thread itself ends the hints: its pages get other frames without an epoch.
 * 3. Who reads through hints does not mark frames as used. Eviction retires frames, which ends the
 *    hints: from then on what is in use is marked again.
 */

const HINT_WORDS = 2;
/** What ends the hints may come again soon, and emptying the table costs as much as some reads. */
const QUIET_OPERATIONS_MIN = 512;
const HINTS_PER_QUIET_OPERATION = 64;

export class FrameHints {
  /** They hold in the running operation. */
  hold = false;
  /** HINT_WORDS a place: page number (0: none), frame. */
  words: Int32Array = new Int32Array(0);
  readonly #mask: number;
  readonly #quietOperationsMin: number;
  #epoch = 0;
  #quietOperations = 0;

  constructor(frameCount: number) {
    const count = hintCount(frameCount);
    this.#mask = count - 1;
    this.#quietOperationsMin = Math.max(QUIET_OPERATIONS_MIN, count / HINTS_PER_QUIET_OPERATION);
  }

  /** Where the hint of a page stands in `words`. */
  at(page: number): number {
    return (page & this.#mask) * HINT_WORDS;
  }

  /** An operation has published epoch `own`; `now` is the global one after that. */
  begin(own: number, now: number): void {
    if (own !== this.#epoch || now !== own) {
      this.#epoch = now;
      this.end();
    } else if (!this.hold && (this.#quietOperations += 1) >= this.#quietOperationsMin) {
      if (this.words.length === 0) this.words = new Int32Array((this.#mask + 1) * HINT_WORDS);
      else this.words.fill(0);
      this.hold = true;
    }
  }

  end(): void {
    this.hold = false;
    this.#quietOperations = 0;
  }
}

/** A power of two: a place for each page in memory, as far as their numbers do not collide. */
function hintCount(frameCount: number): number {
  return 2 ** Math.ceil(Math.log2(frameCount));
}

/** Most that the hints of one thread take: two to four thousandths of a cache of 4 KiB pages. */
export function hintBytesMax(frameCount: number): number {
  return hintCount(frameCount) * HINT_WORDS * Int32Array.BYTES_PER_ELEMENT;
}

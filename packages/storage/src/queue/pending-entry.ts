/**
 * One commit on its way into the pending queue, and how it is cut into fragments. Private to the
 * thread that pushes; one object is reused for all its commits.
 */
import { assert } from '../assert.js';
import type { Diff } from '../pages/diff.js';
import {
  ENTRY_HEADER_WORDS,
  FREED_WORDS,
  PENDING_COMMIT,
  SEALED_BUFFER,
  SEALED_INDEX,
  SEALED_STOPS,
} from '../layout/queue.js';
import { ROOT_WORDS } from '../layout/roots.js';
import { COLUMN_FAMILIES_MAX, SNAPSHOT_SLOTS_MAX } from '../limits.js';
import { QUEUE_WORDS } from '../shared.js';
import { WIDE_WORDS, storeWideOwned } from '../sync/wide.js';

/** Words of one changed root: slot, row. */
export const PART_WORDS = 1 + ROOT_WORDS;
/** Largest entry; longer page lists travel in several. */
export const ENTRY_WORDS_MAX = QUEUE_WORDS / 4;

assert(
  ENTRY_HEADER_WORDS + COLUMN_FAMILIES_MAX * PART_WORDS + FREED_WORDS <= ENTRY_WORDS_MAX,
  'the roots of all families fit the first fragment',
);
assert(
  ENTRY_HEADER_WORDS + SEALED_STOPS + SNAPSHOT_SLOTS_MAX * WIDE_WORDS <= ENTRY_WORDS_MAX,
  'a sealed generation with a stop for every snapshot is one entry',
);

const NO_PAGES = new Int32Array(0);

export class PendingEntry {
  kind: number = PENDING_COMMIT;
  sequence = 0;
  /** Birth counter when the commit's pages were complete. */
  mark = 0;
  /** PART_WORDS per changed root. */
  parts: Int32Array = new Int32Array(16 * PART_WORDS);
  partCount = 0;
  allocated: Int32Array = new Int32Array(0);
  allocatedCount = 0;
  /** FREED_WORDS per page. */
  freed: Int32Array = new Int32Array(0);
  freedCount = 0;

  /** How far `QueueProducer.push` has come. */
  partsPushed = 0;
  allocatedPushed = 0;
  freedPushed = 0;
  fragmentsPushed = 0;

  /** Begins the entry of another commit: no parts yet, the page lists of `diff` (not copied). */
  reset(sequence: number, mark: number, diff: Diff): void {
    this.resetLists(
      sequence,
      mark,
      diff.allocated,
      diff.allocatedCount,
      diff.freed,
      diff.freedCount,
    );
  }

  resetLists(
    sequence: number,
    mark: number,
    allocated: Int32Array,
    allocatedCount: number,
    freed: Int32Array,
    freedCount: number,
  ): void {
    this.kind = PENDING_COMMIT;
    this.sequence = sequence;
    this.mark = mark;
    this.partCount = 0;
    this.allocated = allocated;
    this.allocatedCount = allocatedCount;
    this.freed = freed;
    this.freedCount = freedCount;
    this.partsPushed = 0;
    this.allocatedPushed = 0;
    this.freedPushed = 0;
    this.fragmentsPushed = 0;
  }

  /**
   * Begins the entry of a sealed generation of the write buffer: number `index`, last commit
   * `sequence`, to be published at each of the `stops` (ascending, below `sequence`) as well.
   */
  resetSealed(sequence: number, index: number, stops: readonly number[]): void {
    assert(stops.length <= SNAPSHOT_SLOTS_MAX, 'every stop is the place of a snapshot');
    const words = new Int32Array(SEALED_STOPS + stops.length * WIDE_WORDS);
    words[SEALED_INDEX] = index;
    stops.forEach((stop, i) => storeWideOwned(words, SEALED_STOPS + i * WIDE_WORDS, stop));
    this.resetLists(sequence, 0, words, words.length, NO_PAGES, 0);
    this.kind = SEALED_BUFFER;
  }

  /** Adds the new row of a family; `words[at]...` is a row in the shape of `layout/roots.ts`. */
  addPart(slot: number, words: Int32Array, at: number): void {
    const base = this.partCount * PART_WORDS;
    if (base === this.parts.length) {
      const grown = new Int32Array(this.parts.length * 2);
      grown.set(this.parts);
      this.parts = grown;
    }
    this.parts[base] = slot;
    for (let i = 0; i < ROOT_WORDS; i++) this.parts[base + 1 + i] = words[at + i]!;
    this.partCount++;
  }

  /** Words of the next fragment. */
  nextWords(): number {
    const left =
      ENTRY_HEADER_WORDS +
      (this.partCount - this.partsPushed) * PART_WORDS +
      (this.allocatedCount - this.allocatedPushed) +
      (this.freedCount - this.freedPushed) * FREED_WORDS;
    return Math.min(left, ENTRY_WORDS_MAX);
  }

  isPushed(): boolean {
    return (
      this.fragmentsPushed > 0 &&
      this.partsPushed === this.partCount &&
      this.allocatedPushed === this.allocatedCount &&
      this.freedPushed === this.freedCount
    );
  }
}

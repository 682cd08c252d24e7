/**
 * Pins: rows of shared memory that say which versions somebody still reads. Written by the main
 * thread, read by apply worker 0. Layout: `layout/snapshots.ts`.
 *
 * A pin {sequence, mark} holds every page with birth < mark that was superseded after `sequence`.
 *
 * Invariants
 * 1. A pin at the newest committed version is made between two commits: later commits, which alone
 *    can supersede its pages, are pushed after the row is visible.
 * 2. A pin at a published root set is made inside the operation that read the set. The worker reads
 *    the rows again after all operations that began before the next set was published are over, so
 *    it sees the pin before it retires a page.
 * 3. SNAPSHOTS_EPOCH changes after every change of a row; who finds it unchanged need not look at
 *    the rows again.
 */
import { assert } from '../assert.js';
import { ManifoldError } from '../errors.js';
import {
  SNAPSHOTS_EPOCH,
  SNAPSHOTS_USED,
  SNAPSHOT_FREE,
  SNAPSHOT_MARK,
  SNAPSHOT_PINNED,
  SNAPSHOT_ROWS,
  SNAPSHOT_SEQUENCE,
  SNAPSHOT_STATE,
  SNAPSHOT_WORDS,
} from '../layout/snapshots.js';
import { SNAPSHOT_SLOTS_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { loadWide, storeWide } from '../sync/wide.js';

/** The pinning side; one per database, on the thread that owns the rows. */
export class SnapshotPins {
  readonly #words: Int32Array;
  readonly #free: number[] = [];

  constructor(shared: Shared) {
    this.#words = shared.snapshots;
  }

  /** Pins a version and returns its row. Throws ERR_MANIFOLD_LIMIT when all rows are taken. */
  pin(sequence: number, mark: number): number {
    const words = this.#words;
    const row = this.#free.pop() ?? words[SNAPSHOTS_USED]!;
    if (row === SNAPSHOT_SLOTS_MAX) {
      throw new ManifoldError(
        'ERR_MANIFOLD_LIMIT',
        `at most ${SNAPSHOT_SLOTS_MAX} different versions can be pinned`,
      );
    }
    const at = SNAPSHOT_ROWS + row * SNAPSHOT_WORDS;
    storeWide(words, at + SNAPSHOT_SEQUENCE, sequence);
    storeWide(words, at + SNAPSHOT_MARK, mark);
    // The state after the numbers: a row that reads as pinned is complete.
    Atomics.store(words, at + SNAPSHOT_STATE, SNAPSHOT_PINNED);
    if (row === words[SNAPSHOTS_USED]) Atomics.store(words, SNAPSHOTS_USED, row + 1);
    Atomics.add(words, SNAPSHOTS_EPOCH, 1);
    return row;
  }

  unpin(row: number): void {
    const at = SNAPSHOT_ROWS + row * SNAPSHOT_WORDS + SNAPSHOT_STATE;
    assert(this.#words[at] === SNAPSHOT_PINNED, 'a pin is released once');
    Atomics.store(this.#words, at, SNAPSHOT_FREE);
    Atomics.add(this.#words, SNAPSHOTS_EPOCH, 1);
    this.#free.push(row);
  }
}

/** A pin as the apply worker sees it. */
export interface Pin {
  readonly row: number;
  readonly sequence: number;
  readonly mark: number;
}

export function snapshotsEpoch(shared: Shared): number {
  return Atomics.load(shared.snapshots, SNAPSHOTS_EPOCH);
}

/** All pins. Take `snapshotsEpoch` before: a pin that is made meanwhile then changes it. */
export function readPins(shared: Shared): Pin[] {
  const words = shared.snapshots;
  const used = Atomics.load(words, SNAPSHOTS_USED);
  const pins: Pin[] = [];
  for (let row = 0; row < used; row++) {
    const pin = readPin(words, row);
    if (pin !== undefined) pins.push(pin);
  }
  return pins;
}

/**
 * A row may be freed and pinned anew while it is read. Numbers that are not those of one pin are
 * refused by reading again until two readings agree.
 */
function readPin(words: Int32Array, row: number): Pin | undefined {
  const at = SNAPSHOT_ROWS + row * SNAPSHOT_WORDS;
  for (;;) {
    const epoch = Atomics.load(words, SNAPSHOTS_EPOCH);
    if (Atomics.load(words, at + SNAPSHOT_STATE) !== SNAPSHOT_PINNED) return undefined;
    const sequence = loadWide(words, at + SNAPSHOT_SEQUENCE);
    const mark = loadWide(words, at + SNAPSHOT_MARK);
    const isSame = Atomics.load(words, SNAPSHOTS_EPOCH) === epoch;
    if (isSame && Atomics.load(words, at + SNAPSHOT_STATE) === SNAPSHOT_PINNED) {
      return { row, sequence, mark };
    }
  }
}

/**
 * Pins of tree versions, counted: rows in shared memory that keep apply worker 0 from freeing the
 * pages below them. Main thread.
 *
 * Invariants
 * 1. A pin of the newest version is stored between two commits of this thread, before any later
 *    commit can supersede a page of it; one of a published root set inside the operation that read
 *    the set.
 * 2. Everyone who reads one version shares one row.
 * 3. Whoever may be refused is refused before the rows are full: root sets that the engine stands
 *    on find one always. Readers that hold a version each have a row each at most, and besides
 *    there are no more of the others than `limits.ts` counts.
 */
import {
  CALL_VERSIONS_MAX,
  HELD_CHECKPOINTS_MAX,
  HELD_VERSIONS_MAX,
  ManifoldError,
  SnapshotPins,
} from '@manifold-db/storage';
import type { Engine } from './engine.js';

/** For whom a version is held, as the number of held ones from which on another is refused. */
export const HeldFor = {
  /** A snapshot, or an iterator: for as long as the program likes. */
  READER: HELD_VERSIONS_MAX,
  /** A read that is over when its call returns. */
  CALL: HELD_VERSIONS_MAX + CALL_VERSIONS_MAX,
} as const;
export type HeldFor = (typeof HeldFor)[keyof typeof HeldFor];

/** Throws ERR_MANIFOLD_LIMIT when so many versions are held that one more has no place. */
export function requirePlace(heldCount: number, heldFor: HeldFor): void {
  if (heldCount < heldFor) return;
  throw new ManifoldError(
    'ERR_MANIFOLD_LIMIT',
    `snapshots and iterators hold at most ${HELD_VERSIONS_MAX} different versions; close some`,
  );
}

interface Pin {
  readonly row: number;
  readonly sinceMs: number;
  references: number;
}

export class Pins {
  readonly #engine: Engine;
  readonly #rows: SnapshotPins;
  readonly #pins = new Map<number, Pin>();
  #checkpointCount = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#rows = new SnapshotPins(engine.shared);
  }

  /** Keeps the version at `sequence`, which is the newest, published just now, or pinned. */
  pin(sequence: number): void {
    const known = this.#pins.get(sequence);
    if (known !== undefined) {
      known.references++;
      return;
    }
    const { pager, host } = this.#engine;
    const row = this.#rows.pin(sequence, pager.birthMark());
    this.#pins.set(sequence, { row, sinceMs: host.now(), references: 1 });
  }

  unpin(sequence: number): void {
    const pin = this.#pins.get(sequence);
    if (pin === undefined || --pin.references > 0) return;
    this.#pins.delete(sequence);
    this.#rows.unpin(pin.row);
  }

  /** As `pin`, for a reader. */
  hold(sequence: number, heldFor: HeldFor): void {
    if (!this.#pins.has(sequence)) requirePlace(this.#pins.size, heldFor);
    this.pin(sequence);
  }

  /** As `pin`, for side work; given back with `unpinCheckpoint`. */
  pinCheckpoint(sequence: number): void {
    if (this.#checkpointCount === HELD_CHECKPOINTS_MAX) {
      throw new ManifoldError(
        'ERR_MANIFOLD_LIMIT',
        `at most ${HELD_CHECKPOINTS_MAX} backups and verifications run at once`,
      );
    }
    this.pin(sequence);
    this.#checkpointCount++;
  }

  unpinCheckpoint(sequence: number): void {
    this.#checkpointCount--;
    this.unpin(sequence);
  }

  /** The oldest pinned version and since when it is. */
  oldest(): { sequence: number; sinceMs: number } | undefined {
    let oldest: number | undefined;
    for (const sequence of this.#pins.keys()) {
      if (oldest === undefined || sequence < oldest) oldest = sequence;
    }
    if (oldest === undefined) return undefined;
    return { sequence: oldest, sinceMs: this.#pins.get(oldest)!.sinceMs };
  }
}

/**
 * Pins of tree versions, counted: rows in shared memory that keep apply worker 0 from freeing the
 * pages below them. Main thread.
 *
 * Invariants
 * 1. A pin of the newest version is stored between two commits of this thread, before any later
 *    commit can supersede a page of it; one of a published root set inside the operation that read
 *    the set.
 * 2. Everyone who reads one version shares one row.
 */
import { SnapshotPins } from '@manifold-db/storage';
import type { Engine } from './engine.js';

interface Pin {
  readonly row: number;
  readonly sinceMs: number;
  references: number;
}

export class Pins {
  readonly #engine: Engine;
  readonly #rows: SnapshotPins;
  readonly #pins = new Map<number, Pin>();

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

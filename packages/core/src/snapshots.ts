/**
 * Snapshots and the pins of iterators. A snapshot is a copy of the root rows at one sequence plus a
 * pin in shared memory that keeps apply worker 0 from freeing the pages below them. Main thread.
 *
 * Invariants
 * 1. A pin is stored between two commits of this thread, before any later commit can supersede a
 *    page of the snapshot's version.
 * 2. Snapshots and iterators of one sequence share one pin, counted.
 */
import {
  ManifoldError,
  ROOTS_ADMITTED,
  ROOT_WORDS,
  SnapshotPins,
  type TreeRoot,
  usedSlots,
} from '@manifold-db/storage';
import type { SyncedView } from './apply/synced-view.js';
import type { Engine } from './engine.js';
import { clearRoot, readRow, type FamilyEntry } from './families.js';
import type { Snapshot } from './types.js';

interface Pin {
  readonly row: number;
  readonly sinceMs: number;
  references: number;
}

export class Snapshots {
  readonly #engine: Engine;
  readonly #synced: SyncedView;
  readonly #rows: SnapshotPins;
  readonly #pins = new Map<number, Pin>();
  readonly #own = new WeakSet<DatabaseSnapshot>();
  /** A snapshot nobody closed is released when it is collected; `close()` is the regular way. */
  readonly #forgotten = new FinalizationRegistry<number>((sequence) => this.unpin(sequence));

  constructor(engine: Engine, synced: SyncedView) {
    this.#engine = engine;
    this.#synced = synced;
    this.#rows = new SnapshotPins(engine.shared);
  }

  take(): DatabaseSnapshot {
    const engine = this.#engine;
    engine.assertReadable();
    if (engine.hasFailed) {
      this.#synced.advance(engine.synced);
      return this.#register(this.#synced.copyRows(), this.#synced.sequence);
    }
    const { roots } = engine.shared;
    const end = ROOTS_ADMITTED + usedSlots(engine.shared) * ROOT_WORDS;
    return this.#register(roots.slice(ROOTS_ADMITTED, end), engine.lastCommitted);
  }

  #register(rows: Int32Array, sequence: number): DatabaseSnapshot {
    this.pin(sequence);
    const snapshot = new DatabaseSnapshot(rows, sequence, (closed) => {
      this.#forgotten.unregister(closed);
      this.unpin(sequence);
    });
    this.#forgotten.register(snapshot, sequence, snapshot);
    this.#own.add(snapshot);
    return snapshot;
  }

  owns(snapshot: DatabaseSnapshot): boolean {
    return this.#own.has(snapshot);
  }

  /** Keeps the version at `sequence`, which is the newest or pinned already. */
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

  oldest(): { sequence: number; ageMs: number } | undefined {
    let oldest: number | undefined;
    for (const sequence of this.#pins.keys()) {
      if (oldest === undefined || sequence < oldest) oldest = sequence;
    }
    if (oldest === undefined) return undefined;
    const { sinceMs } = this.#pins.get(oldest)!;
    return { sequence: oldest, ageMs: this.#engine.host.now() - sinceMs };
  }
}

export class DatabaseSnapshot implements Snapshot {
  readonly sequence: number;
  readonly #rows: Int32Array;
  readonly #release: (snapshot: DatabaseSnapshot) => void;
  #closed = false;

  constructor(rows: Int32Array, sequence: number, release: (snapshot: DatabaseSnapshot) => void) {
    this.#rows = rows;
    this.sequence = sequence;
    this.#release = release;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The family's root in this version; false when it has none. */
  readRoot(entry: FamilyEntry, root: TreeRoot): boolean {
    if (this.#closed) throw closedSnapshotError();
    const { slot, id } = entry.identityAt(this.sequence);
    const at = slot * ROOT_WORDS;
    if (slot >= 0 && at + ROOT_WORDS <= this.#rows.length) {
      return readRow(this.#rows, at, id, root);
    }
    clearRoot(root);
    return false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function closedSnapshotError(): ManifoldError {
  return new ManifoldError('ERR_MANIFOLD_CLOSED', 'the snapshot is closed');
}

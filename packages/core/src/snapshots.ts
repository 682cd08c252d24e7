/**
 * Snapshots: a version of the whole database that is kept until it is closed. With a write buffer
 * that is a held version (buffered-versions.ts); in the other modes a copy of the root rows at one
 * sequence and a pin of it. Main thread.
 */
import { ManifoldError, ROOTS_ADMITTED, ROOT_WORDS, usedSlots } from '@manifold-db/storage';
import type { SyncedView } from './apply/synced-view.js';
import type { BufferedVersions } from './buffered-versions.js';
import type { Engine } from './engine.js';
import { readRow, type FamilyEntry } from './families.js';
import { HeldFor, type Pins } from './pins.js';
import type { FamilyView } from './read/index.js';
import type { Snapshot } from './types.js';

/** What a snapshot shows, and how it is let go. */
interface Contents {
  readonly sequence: number;
  read(entry: FamilyEntry, view: FamilyView): boolean;
  release(): void;
}

export class Snapshots {
  readonly #engine: Engine;
  readonly #pins: Pins;
  readonly #synced: SyncedView;
  readonly #buffered: BufferedVersions | undefined;
  readonly #own = new WeakSet<DatabaseSnapshot>();
  /** A snapshot nobody closed is released when it is collected; `close()` is the regular way. */
  readonly #forgotten = new FinalizationRegistry<Contents>((contents) => contents.release());

  constructor(
    engine: Engine,
    pins: Pins,
    synced: SyncedView,
    buffered: BufferedVersions | undefined,
  ) {
    this.#engine = engine;
    this.#pins = pins;
    this.#synced = synced;
    this.#buffered = buffered;
  }

  /** Throws ERR_MANIFOLD_LIMIT when it would be one held version too many. */
  take(heldFor: HeldFor = HeldFor.READER): DatabaseSnapshot {
    this.#engine.assertReadable();
    const contents =
      this.#buffered === undefined ? this.#copied(heldFor) : this.#held(this.#buffered, heldFor);
    const snapshot = new DatabaseSnapshot(contents, (closed) => {
      this.#forgotten.unregister(closed);
      contents.release();
    });
    this.#forgotten.register(snapshot, contents, snapshot);
    this.#own.add(snapshot);
    return snapshot;
  }

  #held(buffered: BufferedVersions, heldFor: HeldFor): Contents {
    const { hasFailed } = this.#engine;
    const version = hasFailed ? buffered.holdSynced(heldFor) : buffered.holdNewest(heldFor);
    return {
      sequence: version.sequence,
      read: (entry, view) => version.read(entry, view),
      release: () => buffered.release(version),
    };
  }

  #copied(heldFor: HeldFor): Contents {
    const engine = this.#engine;
    if (engine.hasFailed) {
      this.#synced.advance(engine.synced);
      return this.#ofRows(this.#synced.copyRows(), this.#synced.sequence, heldFor);
    }
    const { roots } = engine.shared;
    const end = ROOTS_ADMITTED + usedSlots(engine.shared) * ROOT_WORDS;
    return this.#ofRows(roots.slice(ROOTS_ADMITTED, end), engine.lastCommitted, heldFor);
  }

  #ofRows(rows: Int32Array, sequence: number, heldFor: HeldFor): Contents {
    const pins = this.#pins;
    pins.hold(sequence, heldFor);
    return {
      sequence,
      read(entry, view) {
        view.clear();
        const { slot, id } = entry.identityAt(sequence);
        const at = slot * ROOT_WORDS;
        return slot >= 0 && at + ROOT_WORDS <= rows.length && readRow(rows, at, id, view.root);
      },
      release: () => pins.unpin(sequence),
    };
  }

  owns(snapshot: DatabaseSnapshot): boolean {
    return this.#own.has(snapshot);
  }

  oldest(): { sequence: number; ageMs: number } | undefined {
    const oldest = (this.#buffered ?? this.#pins).oldest();
    if (oldest === undefined) return undefined;
    return { sequence: oldest.sequence, ageMs: this.#engine.host.now() - oldest.sinceMs };
  }
}

export class DatabaseSnapshot implements Snapshot {
  readonly sequence: number;
  readonly #contents: Contents;
  readonly #release: (snapshot: DatabaseSnapshot) => void;
  #closed = false;

  constructor(contents: Contents, release: (snapshot: DatabaseSnapshot) => void) {
    this.#contents = contents;
    this.sequence = contents.sequence;
    this.#release = release;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Fills in a family of this version; false when it has none of that name. */
  readView(entry: FamilyEntry, view: FamilyView): boolean {
    this.requireOpen();
    return this.#contents.read(entry, view);
  }

  requireOpen(): void {
    if (this.#closed) throw closedSnapshotError();
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

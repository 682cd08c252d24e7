/**
 * Explicit snapshots of abstract-level. Main thread.
 */
import type { Snapshot } from '@manifold-db/core';
import { AbstractSnapshot } from 'abstract-level';

/** abstract-level names the database that closes the snapshot; its types leave the class bare. */
const SnapshotBase = AbstractSnapshot as new (options: object) => AbstractSnapshot;

export class ManifoldSnapshot extends SnapshotBase {
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot, options: object) {
    super(options);
    this.#snapshot = snapshot;
  }

  /** For this package alone. */
  static engineSnapshotOf(snapshot: ManifoldSnapshot): Snapshot {
    return snapshot.#snapshot;
  }

  async _close(): Promise<void> {
    this.#snapshot.close();
  }
}

/**
 * The engine's snapshot in the option `snapshot` of a call.
 *
 * @throws TypeError for a snapshot of another kind of database; the engine refuses those of another
 *   database of its own
 */
export function engineSnapshot(snapshot: unknown): Snapshot | undefined {
  if (snapshot === undefined || snapshot === null) return undefined;
  if (snapshot instanceof ManifoldSnapshot) return ManifoldSnapshot.engineSnapshotOf(snapshot);
  throw new TypeError("The option 'snapshot' must be a snapshot of this database");
}

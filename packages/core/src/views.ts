/**
 * Which version a read sees: the newest admitted one, the newest synced one, the published root
 * set, or a snapshot. Main thread.
 *
 * Invariant: a root is read and pinned before anything can supersede its pages: the newest one by
 * this thread alone, older ones inside a page operation.
 */
import {
  RootRow,
  RootSetReader,
  TreeRoot,
  loadPageAsync,
  readInMemory,
} from '@manifold-db/storage';
import type { CommitApplier } from './apply/applier.js';
import type { Engine } from './engine.js';
import { encodeKey } from './encoding/index.js';
import { consistencyOf } from './options/index.js';
import { clearRoot, rootOfRow, type FamilyEntry } from './families.js';
import type { EntriesSource } from './read/entries.js';
import type { FamilyCodec, ReadContext } from './read/context.js';
import { decodeRaw, readRaw } from './read/point.js';
import { DatabaseSnapshot, type Snapshots } from './snapshots.js';
import type { ReadOptions, Snapshot } from './types.js';

export class Views {
  readonly context: ReadContext;
  readonly #engine: Engine;
  readonly #applier: CommitApplier;
  readonly #snapshots: Snapshots;
  readonly #published: RootSetReader;
  readonly #row = new RootRow();

  constructor(engine: Engine, applier: CommitApplier, snapshots: Snapshots) {
    this.context = engine;
    this.#engine = engine;
    this.#applier = applier;
    this.#snapshots = snapshots;
    this.#published = new RootSetReader(engine.shared);
  }

  /**
   * The root of the newest version, for a read that follows at once. It needs no pin: only this
   * thread commits, so nothing supersedes a page of it in between. False after a failure, when the
   * newest version is not what default reads show.
   */
  readNewest(entry: FamilyEntry, root: TreeRoot): boolean {
    const engine = this.#engine;
    engine.assertReadable();
    if (engine.hasFailed) return false;
    engine.families.readAdmitted(entry, root);
    return true;
  }

  /** Runs a read on the version that the options name, pinned meanwhile. */
  within<T>(entry: FamilyEntry, options: ReadOptions | undefined, read: (root: TreeRoot) => T): T {
    const source = this.pinned(entry, options);
    try {
      return read(source.root);
    } finally {
      source.release();
    }
  }

  /** The root that a read or an iterator walks, kept until it is released. */
  pinned(entry: FamilyEntry, options: ReadOptions | undefined): EntriesSource {
    this.#engine.assertReadable();
    const root = new TreeRoot();
    const sequence = this.#pin(entry, options ?? {}, root);
    return { root, release: () => this.#snapshots.unpin(sequence) };
  }

  #pin(entry: FamilyEntry, options: ReadOptions, root: TreeRoot): number {
    const consistency = consistencyOf(options);
    if (options.snapshot !== undefined) {
      const snapshot = this.#ownSnapshot(options.snapshot);
      snapshot.readRoot(entry, root);
      this.#snapshots.pin(snapshot.sequence);
      return snapshot.sequence;
    }
    const engine = this.#engine;
    if (consistency === 'latest' && !engine.hasFailed) {
      engine.families.readAdmitted(entry, root);
      this.#snapshots.pin(engine.lastCommitted);
      return engine.lastCommitted;
    }
    // Older versions are pinned while a page operation still protects them.
    const opened = engine.begin();
    try {
      const sequence =
        consistency === 'applied' ? this.#readApplied(entry, root) : this.#readSynced(entry, root);
      this.#snapshots.pin(sequence);
      return sequence;
    } finally {
      engine.end(opened);
    }
  }

  #readSynced(entry: FamilyEntry, root: TreeRoot): number {
    const view = this.#applier.syncedView;
    this.#applier.applySynced(this.#engine.synced);
    const { slot, id } = entry.identityAt(view.sequence);
    view.read(slot, id, root);
    return view.sequence;
  }

  #readApplied(entry: FamilyEntry, root: TreeRoot): number {
    clearRoot(root);
    const { slot, id } = entry.identityAt(this.#engine.applied);
    if (slot >= 0) {
      this.#published.readRow(slot, this.#row);
      rootOfRow(this.#row, id, root);
      return this.#published.sequence;
    }
    this.#published.readRow(0, this.#row);
    return this.#published.sequence;
  }

  #ownSnapshot(snapshot: Snapshot): DatabaseSnapshot {
    if (snapshot instanceof DatabaseSnapshot && this.#snapshots.owns(snapshot)) return snapshot;
    throw new TypeError('snapshot: a snapshot of this database is expected');
  }

  /**
   * A point read that reads cold pages without blocking the event loop: a descent that meets a page
   * that is not in memory gives up, the page is read asynchronously, and the descent starts anew.
   * Who has loaded as many pages as there are frames has lost the first ones again, to a value that
   * the cache cannot hold or to other readers: then the read is done on this thread.
   */
  async readAsync<K, V>(
    entry: FamilyEntry,
    codec: FamilyCodec<K, V>,
    key: K,
    options: ReadOptions | undefined,
  ): Promise<V | undefined> {
    const keyBytes = encodeKey(codec.key, key);
    const source = this.pinned(entry, options);
    const { pager } = this.#engine;
    const read = () => readRaw(this.context, source.root, keyBytes, keyBytes.length);
    try {
      const loadsMax = pager.frameCount();
      for (let loads = 0; loads < loadsMax; loads++) {
        const result = readInMemory(pager, read);
        if ('value' in result) return this.#decode(codec, result.value);
        const isLoaded = await loadPageAsync(pager, result.page, result.birth);
        this.#engine.assertReadable();
        if (!isLoaded) break;
      }
      return this.#decode(codec, read());
    } finally {
      source.release();
    }
  }

  /** Outside of everything: a codec of the user may call back into the database. */
  #decode<K, V>(codec: FamilyCodec<K, V>, bytes: Buffer | undefined): V | undefined {
    return bytes === undefined ? undefined : decodeRaw(codec, bytes);
  }
}

/**
 * Which version a read sees: the newest admitted one, the newest synced one, the published root
 * set, or a snapshot. Main thread.
 *
 * Invariant: a root is read and pinned before anything can supersede its pages: the newest one by
 * this thread alone, older ones inside a page operation.
 */
import {
  ManifoldError,
  RootRow,
  RootSetReader,
  loadPagesAsync,
  readInMemory,
  type TreeRoot,
} from '@manifold-db/storage';
import type { CommitApplier } from './apply/applier.js';
import type { BufferedVersions, HeldVersion } from './buffered-versions.js';
import type { Engine } from './engine.js';
import { encodeKey } from './encoding/index.js';
import { consistencyOf } from './options/index.js';
import { clearRoot, rootOfRow, type FamilyEntry } from './families.js';
import { HeldFor, type Pins } from './pins.js';
import type { EntriesSource } from './read/entries.js';
import type { FamilyCodec, ReadContext } from './read/context.js';
import { FamilyView, decodeRaw, readRaw, type ViewOf } from './read/index.js';
import { keepsTree } from './read/pin.js';
import { DatabaseSnapshot, type Snapshots } from './snapshots.js';
import type { ReadOptions, Snapshot } from './types.js';

export class Views {
  readonly context: ReadContext;
  readonly #engine: Engine;
  readonly #applier: CommitApplier;
  readonly #snapshots: Snapshots;
  readonly #pins: Pins;
  readonly #buffered: BufferedVersions | undefined;
  readonly #published: RootSetReader;
  readonly #row = new RootRow();

  constructor(
    engine: Engine,
    applier: CommitApplier,
    snapshots: Snapshots,
    pins: Pins,
    buffered: BufferedVersions | undefined,
  ) {
    this.context = engine;
    this.#engine = engine;
    this.#applier = applier;
    this.#snapshots = snapshots;
    this.#pins = pins;
    this.#buffered = buffered;
    this.#published = new RootSetReader(engine.shared);
    engine.families.start(() => this.#oldestRead());
  }

  /**
   * No version before this one is read, now or later: what is held is pinned, with a write buffer
   * also the root set below it, and what is synced or applied only moves on.
   */
  #oldestRead(): number {
    const pinned = this.#pins.oldest()?.sequence ?? Infinity;
    if (this.#buffered !== undefined) return pinned;
    return Math.min(pinned, this.#applier.syncedView.sequence, this.#engine.applied);
  }

  /**
   * The newest version, for a read that follows at once. It needs no pin: only this thread commits,
   * so nothing supersedes a page of it in between. False after a failure, when the newest version
   * is not what default reads show.
   */
  readNewest(entry: FamilyEntry, view: FamilyView): boolean {
    const engine = this.#engine;
    engine.assertReadable();
    if (engine.hasFailed) return false;
    if (this.#buffered !== undefined) {
      this.#buffered.readNewest(entry, view);
      return true;
    }
    engine.families.readAdmitted(entry, view.root);
    view.showTree();
    return true;
  }

  /** The families that default reads show: after a failure those of the synced version. */
  familyNames(): string[] {
    const { families, hasFailed } = this.#engine;
    if (!hasFailed) return families.names();
    const snapshot = this.#snapshots.take(HeldFor.CALL);
    try {
      const view = new FamilyView();
      return families.names((entry) => snapshot.readView(entry, view));
    } finally {
      snapshot.close();
    }
  }

  /** Runs a read on the version that the options name, pinned meanwhile. */
  within<T>(entry: FamilyEntry, options: ReadOptions | undefined, read: (viewOf: ViewOf) => T): T {
    const source = this.#source(entry, options, HeldFor.CALL);
    try {
      return read(source.view);
    } finally {
      source.release();
    }
  }

  /**
   * The version that an iterator walks, kept until it is released. Throws ERR_MANIFOLD_LIMIT when
   * it would be one too many.
   */
  pinned(entry: FamilyEntry, options: ReadOptions | undefined): EntriesSource {
    return this.#source(entry, options, HeldFor.READER);
  }

  #source(entry: FamilyEntry, given: ReadOptions | undefined, heldFor: HeldFor): EntriesSource {
    this.#engine.assertReadable();
    const options = given ?? {};
    const view = new FamilyView();
    if (this.#buffered !== undefined) {
      return this.#held(entry, view, this.#hold(this.#buffered, options, heldFor), this.#buffered);
    }
    const sequence = this.#pin(entry, options, view, heldFor);
    return { view: () => view, release: () => this.#pins.unpin(sequence) };
  }

  // --- with a write buffer ----------------------------------------------------------------------

  #held(
    entry: FamilyEntry,
    view: FamilyView,
    version: HeldVersion,
    buffered: BufferedVersions,
  ): EntriesSource {
    let moves = version.moves;
    version.read(entry, view);
    return {
      view: () => {
        if (moves !== version.moves) {
          moves = version.moves;
          version.read(entry, view);
        }
        return view;
      },
      release: () => buffered.release(version),
    };
  }

  #hold(buffered: BufferedVersions, options: ReadOptions, heldFor: HeldFor): HeldVersion {
    const consistency = consistencyOf(options);
    if (options.snapshot !== undefined) {
      return buffered.holdAgain(this.#openSnapshot(options.snapshot).sequence);
    }
    if (consistency === 'applied') return buffered.holdApplied(heldFor);
    const isNewest = consistency === 'latest' && !this.#engine.hasFailed;
    return isNewest ? buffered.holdNewest(heldFor) : buffered.holdSynced(heldFor);
  }

  // --- without ----------------------------------------------------------------------------------

  #pin(entry: FamilyEntry, options: ReadOptions, view: FamilyView, heldFor: HeldFor): number {
    const consistency = consistencyOf(options);
    if (options.snapshot !== undefined) {
      const snapshot = this.#openSnapshot(options.snapshot);
      snapshot.readView(entry, view);
      this.#pins.pin(snapshot.sequence);
      return snapshot.sequence;
    }
    const engine = this.#engine;
    const { root } = view;
    if (consistency === 'latest' && !engine.hasFailed) {
      engine.families.readAdmitted(entry, root);
      this.#pins.hold(engine.lastCommitted, heldFor);
      return engine.lastCommitted;
    }
    // Older versions are pinned while a page operation still protects them.
    const opened = engine.begin();
    try {
      const sequence =
        consistency === 'applied' ? this.#readApplied(entry, root) : this.#readSynced(entry, root);
      this.#pins.hold(sequence, heldFor);
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

  #openSnapshot(given: Snapshot): DatabaseSnapshot {
    const snapshot = this.#ownSnapshot(given);
    snapshot.requireOpen();
    return snapshot;
  }

  #ownSnapshot(snapshot: Snapshot): DatabaseSnapshot {
    if (snapshot instanceof DatabaseSnapshot && this.#snapshots.owns(snapshot)) return snapshot;
    throw new TypeError('snapshot: a snapshot of this database is expected');
  }

  /**
   * A point read that reads cold pages without blocking the event loop: a descent that meets a page
   * that is not in memory gives up, the page is read asynchronously, and the descent starts anew.
   * Who has loaded as many pages as there are frames has lost the first ones again, to a value that
   * the cache cannot hold or to other readers: then the read is done on this thread. So it is when
   * no version can be held any more.
   */
  readAsync<K, V>(
    entry: FamilyEntry,
    codec: FamilyCodec<K, V>,
    key: K,
    options: ReadOptions = {},
  ): Promise<V | undefined> {
    // Misuse is thrown; what follows rejects.
    const keyBytes = encodeKey(codec.key, key);
    consistencyOf(options);
    if (options.snapshot !== undefined) this.#ownSnapshot(options.snapshot);
    return this.#readAsync(entry, codec, keyBytes, options);
  }

  async #readAsync<K, V>(
    entry: FamilyEntry,
    codec: FamilyCodec<K, V>,
    keyBytes: Buffer,
    options: ReadOptions,
  ): Promise<V | undefined> {
    const source = this.#sourceIfAny(entry, options);
    if (source === undefined) {
      const readNow = (viewOf: ViewOf) =>
        readRaw(this.context, viewOf(), keyBytes, keyBytes.length);
      return this.#decode(codec, this.within(entry, options, readNow));
    }
    const { pager } = this.#engine;
    const read = () => readRaw(this.context, source.view(), keyBytes, keyBytes.length);
    try {
      const loadsMax = pager.frameCount();
      let loads = 0;
      while (loads < loadsMax) {
        const result = readInMemory(pager, read);
        if ('value' in result) return this.#decode(codec, result.value);
        const isKept = keepsTree(this.context, source);
        const isLoaded = await loadPagesAsync(pager, result.missing, isKept);
        loads += result.missing.length;
        this.#engine.assertReadable();
        if (!isLoaded) break;
      }
      return this.#decode(codec, read());
    } finally {
      source.release();
    }
  }

  /** As `pinned`; `undefined` when it would be one version too many. */
  #sourceIfAny(entry: FamilyEntry, options: ReadOptions | undefined): EntriesSource | undefined {
    try {
      return this.pinned(entry, options);
    } catch (error) {
      if (error instanceof ManifoldError && error.code === 'ERR_MANIFOLD_LIMIT') return undefined;
      throw error;
    }
  }

  /** Outside of everything: a codec of the user may call back into the database. */
  #decode<K, V>(codec: FamilyCodec<K, V>, bytes: Buffer | undefined): V | undefined {
    return bytes === undefined ? undefined : decodeRaw(codec, bytes);
  }
}

/**
 * `transaction(async …)`: an optimistic, serialisable transaction. The body works on a snapshot
 * with a builder of its own; at commit everything it read is compared with the newest state, and
 * its operations are built again on that. Main thread.
 *
 * The comparison follows Kung and Robinson, "On Optimistic Methods for Concurrency Control" (1981),
 * with values instead of version numbers: what was read must read the same now.
 *
 * Invariant: validation and the second build run in one synchronous build of the pipeline, so no
 * commit comes in between.
 */
import { ManifoldError } from '@manifold-db/storage';
import type { TransactionBuilder } from './build/builder.js';
import { PageDiffBuilder } from './build/page-builder.js';
import type { TreeChanges } from './build/tree-changes.js';
import { encodeBounds, encodeKey, type ByteBounds } from './encoding/index.js';
import { closedError, type Engine } from './engine.js';
import type { FamilyEntry } from './families.js';
import type { FamilyHandle, FamilyHome } from './family.js';
import type { CoveredRange } from './read/covered.js';
import { isRangeEqual } from './read/range-equal.js';
import { FamilyView, readRaw } from './read/index.js';
import { rebuild } from './rebuild.js';
import type { DatabaseSnapshot } from './snapshots.js';
import type { KeyBounds, Transaction } from './types.js';
import { BuilderTransaction, type ReadLog } from './write-transaction.js';

/** What a transaction read of one family. */
interface ReadSet {
  readonly entry: FamilyEntry;
  /** Encoded keys, as latin1 strings so that a set can hold them. */
  readonly keys: Set<string>;
  readonly ranges: ByteBounds[];
  /** What iterators have shown; asked at commit. */
  readonly walks: CoveredRange[];
}

/** Beyond this many single keys a family's read set becomes the whole family. */
const READ_KEYS_MAX = 100_000;

export class OptimisticTransaction extends BuilderTransaction implements Transaction, ReadLog {
  readonly sequence: number;
  readonly #engine: Engine;
  readonly #snapshot: DatabaseSnapshot;
  readonly #reads = new Map<FamilyEntry, ReadSet>();
  /** Pages of its own, without a write buffer. */
  readonly #changes: TreeChanges | undefined;

  /** `builder` is the transaction's own. */
  constructor(
    home: FamilyHome,
    engine: Engine,
    snapshot: DatabaseSnapshot,
    builder: TransactionBuilder,
  ) {
    super(home, engine, builder);
    this.#engine = engine;
    this.#snapshot = snapshot;
    this.sequence = snapshot.sequence;
    builder.start((entry, view) => snapshot.readView(entry, view));
    if (builder instanceof PageDiffBuilder) {
      this.#changes = builder.changes;
      engine.privateChanges.add(this.#changes);
    }
  }

  /** Between two awaits of the body other operations run: no page operation stays open. */
  protected override settle(): void {
    this.builder.pause();
  }

  /** It could not commit any more, and its pages need the files that `close` gives up. */
  protected override assertWritable(): void {
    this.assertRunning();
    if (this.#engine.isClosing) throw closedError();
  }

  protected override get readLog(): ReadLog {
    return this;
  }

  noteKey<K, V>(handle: FamilyHandle<K, V>, key: K): void {
    const reads = this.#readsOf(handle.entry);
    reads.keys.add(encodeKey(handle.key, key).toString('latin1'));
    if (reads.keys.size <= READ_KEYS_MAX) return;
    reads.keys.clear();
    reads.ranges.push({ low: undefined, high: undefined });
  }

  noteRange<K, V>(handle: FamilyHandle<K, V>, range: KeyBounds<K> | undefined): void {
    const { gt, gte, lt, lte, prefix } = range ?? {};
    const bounds = encodeBounds({ gt, gte, lt, lte, prefix }, handle.key);
    this.#readsOf(handle.entry).ranges.push(bounds);
  }

  noteCovered<K, V>(handle: FamilyHandle<K, V>, covered: CoveredRange): void {
    this.#readsOf(handle.entry).walks.push(covered);
  }

  #readsOf(entry: FamilyEntry): ReadSet {
    let reads = this.#reads.get(entry);
    if (reads === undefined) {
      reads = { entry, keys: new Set(), ranges: [], walks: [] };
      this.#reads.set(entry, reads);
    }
    return reads;
  }

  /** Throws when an operation failed half-way, whatever the body made of it. */
  get hasWrites(): boolean {
    this.builder.requireWhole();
    return !this.builder.isEmpty;
  }

  /** Whether everything that was read still holds in the newest state. */
  isCurrent(): boolean {
    const before = new FamilyView();
    const now = new FamilyView();
    const opened = this.#engine.begin();
    try {
      for (const reads of this.#reads.values()) {
        if (!this.#snapshot.readView(reads.entry, before)) before.clear();
        if (!this.#engine.newest(reads.entry, now)) now.clear();
        if (isSameTree(before, now)) continue;
        if (!this.#areKeysEqual(reads, before, now)) return false;
        const walked = reads.walks.map((covered) => covered.bounds());
        for (const { low, high } of [...reads.ranges, ...walked.filter(isDefined)]) {
          if (!isRangeEqual(this.#engine.memory, before, now, low, high)) return false;
        }
      }
      return true;
    } finally {
      this.#engine.end(opened);
    }
  }

  #areKeysEqual(reads: ReadSet, before: FamilyView, now: FamilyView): boolean {
    for (const text of reads.keys) {
      const key = Buffer.from(text, 'latin1');
      const was = readRaw(this.#engine, before, key, key.length);
      const is = readRaw(this.#engine, now, key, key.length);
      if (was === undefined || is === undefined) {
        if (was !== is) return false;
      } else if (Buffer.compare(was, is) !== 0) {
        return false;
      }
    }
    return true;
  }

  /** Builds the operations again, on the newest state. */
  replayInto(target: TransactionBuilder): void {
    rebuild(this.builder.staging, this.#engine.families, target);
  }

  /** Gives up the pages of the private build; the snapshot is the caller's to close. */
  discard(): void {
    this.builder.abort();
    if (this.#changes !== undefined) this.#engine.privateChanges.delete(this.#changes);
    this.end();
  }
}

/** The whole family is as it was. */
function isSameTree(before: FamilyView, now: FamilyView): boolean {
  const isSameRoot = before.root.page === now.root.page && before.root.birth === now.root.birth;
  return isSameRoot && !before.isLayered && !now.isLayered;
}

export function conflictError(attempts: number): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_CONFLICT',
    `other commits changed what the transaction read, in each of ${attempts} attempts`,
  );
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

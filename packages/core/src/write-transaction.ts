/**
 * What the callback of `write` and `writeSync` gets: operations and reads on the shared builder.
 * Main thread, inside one synchronous call.
 */
import { ManifoldError } from '@manifold-db/storage';
import type { BuildMark, TransactionBuilder } from './build/builder.js';
import { encodeCondition, requireCondition } from './conditions.js';
import { encodeBounds, encodeKey, encodeValue } from './encoding/index.js';
import { FamilyHandle } from './family.js';
import { conditionOf } from './options/index.js';
import type { ReadContext } from './read/context.js';
import type { CoveredRange } from './read/covered.js';
import { createEntries, type EntriesSelect, type EntriesSource } from './read/entries.js';
import {
  FamilyView,
  type ViewOf,
  countRange,
  hasKey,
  readMany,
  readValue,
  requireKeys,
} from './read/index.js';
import type {
  ColumnFamily,
  Entries,
  KeyBounds,
  KeyRange,
  PutConditions,
  Savepoint,
  WriteTransaction,
} from './types.js';

/** A savepoint and the place it stands for. */
class BuilderSavepoint implements Savepoint {
  readonly operationCount: number;
  readonly mark: BuildMark;
  readonly owner: BuilderTransaction;
  /** Walks opened later have a greater one. */
  readonly stamp: number;
  isValid = true;

  constructor(owner: BuilderTransaction, mark: BuildMark, stamp: number) {
    this.owner = owner;
    this.mark = mark;
    this.stamp = stamp;
    this.operationCount = mark.operationCount;
  }
}

/** What a transaction read, for its validation. */
export interface ReadLog {
  noteKey<K, V>(handle: FamilyHandle<K, V>, key: K): void;
  noteCovered<K, V>(handle: FamilyHandle<K, V>, covered: CoveredRange): void;
  noteRange<K, V>(handle: FamilyHandle<K, V>, range: KeyBounds<K> | undefined): void;
}

export class BuilderTransaction implements WriteTransaction {
  protected readonly context: ReadContext;
  protected readonly builder: TransactionBuilder;
  readonly #owner: object;
  readonly #view = new FamilyView();
  /** Counts savepoints and walks, in the order in which they came. */
  #stamp = 0;
  /** What was undone: walks with a stamp behind `from`, up to `to`. */
  readonly #undone: { readonly from: number; readonly to: number }[] = [];
  readonly #savepoints: BuilderSavepoint[] = [];
  #isOver = false;

  /** `owner`: the database whose families may be used. */
  constructor(owner: object, context: ReadContext, builder: TransactionBuilder) {
    this.#owner = owner;
    this.context = context;
    this.builder = builder;
  }

  /** Reading for one walk, which ends with what it shows. */
  #walkContext(): ReadContext {
    const { context } = this;
    const stamp = ++this.#stamp;
    return {
      pager: context.pager,
      memory: context.memory,
      begin: () => context.begin(),
      end: (opened) => context.end(opened),
      // Nothing protects the pages of an unfinished transaction once it is over, or undone.
      assertReadable: () => {
        this.assertRunning();
        if (this.#undone.some(({ from, to }) => stamp > from && stamp <= to)) throw undoneError();
        context.assertReadable();
      },
    };
  }

  protected assertRunning(): void {
    if (this.#isOver) throw new ManifoldError('ERR_MANIFOLD_CLOSED', 'the transaction is over');
  }

  /** What a write runs is carried out, also when its callback closes the database. */
  protected assertWritable(): void {
    this.assertRunning();
  }

  /** The transaction has been committed or given up. */
  end(): void {
    this.#isOver = true;
  }

  protected handle<K, V>(family: ColumnFamily<K, V>): FamilyHandle<K, V> {
    this.assertRunning();
    if (!(family instanceof FamilyHandle) || family.home !== this.#owner) {
      throw new TypeError('family: a column family of this database is expected');
    }
    return family as FamilyHandle<K, V>;
  }

  // --- reads ------------------------------------------------------------------------------------

  get<K, V>(family: ColumnFamily<K, V>, key: K): V | undefined {
    const handle = this.handle(family);
    this.readLog?.noteKey(handle, key);
    return this.#read(handle, (viewOf) => readValue(this.context, handle, viewOf, key));
  }

  has<K, V>(family: ColumnFamily<K, V>, key: K): boolean {
    const handle = this.handle(family);
    this.readLog?.noteKey(handle, key);
    return this.#read(handle, (viewOf) => hasKey(this.context, handle, viewOf, key));
  }

  getMany<K, V>(family: ColumnFamily<K, V>, keys: readonly K[]): (V | undefined)[] {
    const handle = this.handle(family);
    requireKeys(keys);
    for (const key of keys) this.readLog?.noteKey(handle, key);
    return this.#read(handle, (viewOf) => readMany(this.context, handle, viewOf, keys));
  }

  count<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): number {
    const handle = this.handle(family);
    this.readLog?.noteRange(handle, range);
    return this.#read(handle, (viewOf) => countRange(this.context, handle, viewOf, range));
  }

  entries<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<[K, V], K> {
    return this.#walk(this.handle(family), range, 'entries');
  }

  keys<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<K, K> {
    return this.#walk(this.handle(family), range, 'keys');
  }

  values<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<V, K> {
    return this.#walk(this.handle(family), range, 'values');
  }

  /** The version cannot change meanwhile, so the read opens its own page operation. */
  #read<K, V, T>(handle: FamilyHandle<K, V>, read: (viewOf: ViewOf) => T): T {
    return read(() => {
      this.assertRunning();
      this.builder.readView(handle.entry, this.#view);
      this.settle();
      return this.#view;
    });
  }

  #walk<K, V, T>(
    handle: FamilyHandle<K, V>,
    range: KeyRange<K> | undefined,
    select: EntriesSelect,
  ): Entries<T, K> {
    const open = () => this.#source(handle);
    const note = (covered: CoveredRange) => this.readLog?.noteCovered(handle, covered);
    return createEntries<K, V, T>(this.#walkContext(), handle, range, select, open, note);
  }

  /** The version built so far; later writes of the transaction do not change it. */
  #source<K, V>(handle: FamilyHandle<K, V>): EntriesSource {
    const view = new FamilyView();
    this.builder.readView(handle.entry, view);
    this.builder.freeze();
    this.settle();
    return { view: this.builder.follow(handle.entry, view), release: () => {} };
  }

  /** The calls of an optimistic transaction stand alone: it closes the page operation. */
  protected settle(): void {}

  /** Only an optimistic transaction remembers what it read. */
  protected get readLog(): ReadLog | undefined {
    return undefined;
  }

  // --- writes -----------------------------------------------------------------------------------

  put<K, V>(family: ColumnFamily<K, V>, key: K, value: V, conditions?: PutConditions<V>): void {
    const handle = this.handle(family);
    this.assertWritable();
    try {
      if (conditions !== undefined) this.#putWith(handle, key, value, conditions);
      else this.builder.put(handle.entry, handle.key, handle.value, key, value);
    } finally {
      this.settle();
    }
  }

  #putWith<K, V>(handle: FamilyHandle<K, V>, key: K, value: V, conditions: PutConditions<V>): void {
    const condition = encodeCondition(conditionOf<V>(conditions), handle.value);
    const keyBytes = encodeKey(handle.key, key);
    const valueBytes = encodeValue(handle.value, value);
    if (condition !== undefined) {
      this.readLog?.noteKey(handle, key);
      requireCondition(this.context, this.builder, handle.entry, keyBytes, condition);
    }
    this.builder.putRaw(handle.entry, keyBytes, valueBytes);
  }

  delete<K, V>(family: ColumnFamily<K, V>, key: K): void {
    const handle = this.handle(family);
    this.assertWritable();
    this.readLog?.noteKey(handle, key);
    try {
      this.builder.delete(handle.entry, handle.key, key);
    } finally {
      this.settle();
    }
  }

  clear<K, V>(family: ColumnFamily<K, V>, range?: KeyBounds<K>): void {
    const handle = this.handle(family);
    this.assertWritable();
    this.readLog?.noteRange(handle, range);
    const { low, high } = encodeBounds(range, handle.key);
    try {
      this.builder.clear(handle.entry, low, high);
    } finally {
      this.settle();
    }
  }

  // --- savepoints -------------------------------------------------------------------------------

  savepoint(): Savepoint {
    this.assertWritable();
    const savepoint = new BuilderSavepoint(this, this.builder.mark(), ++this.#stamp);
    this.settle();
    this.#savepoints.push(savepoint);
    return savepoint;
  }

  rollbackTo(savepoint: Savepoint): void {
    this.assertWritable();
    const isOwn = savepoint instanceof BuilderSavepoint && savepoint.owner === this;
    if (!isOwn || !savepoint.isValid) {
      throw new TypeError('savepoint: a valid savepoint of this transaction is expected');
    }
    while (this.#savepoints.at(-1) !== savepoint) this.#savepoints.pop()!.isValid = false;
    this.#undone.push({ from: savepoint.stamp, to: this.#stamp });
    this.builder.rollBackTo(savepoint.mark);
  }
}

function undoneError(): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_CLOSED',
    'the iterator was opened after a savepoint that the transaction has gone back to',
  );
}

/**
 * The handle of a column family: encodings, validation, and the way of single reads and writes into
 * the engine. Main thread.
 */
import type { TransactionBuilder } from './build/builder.js';
import type { CommitPipeline, Operation } from './commit.js';
import {
  encodeBounds,
  encodeKey,
  encodeValue,
  keyEncodingOf,
  valueEncodingOf,
  writeOwn,
  type KeyEncoding,
  type ValueEncoding,
} from './encoding/index.js';
import type { FamilyEntry } from './families.js';
import { encodeCondition, requireCondition, type EncodedCondition } from './conditions.js';
import { durabilityOf, familyOptionsOf, putOptionsOf, requireReadNames } from './options/index.js';
import { createEntries, type EntriesSource } from './read/entries.js';
import { keyScratch } from './read/context.js';
import {
  FamilyView,
  countRange,
  hasEncodedKey,
  hasKey,
  readEncodedValue,
  readMany,
  readValue,
} from './read/index.js';
import type { Views } from './views.js';
import type {
  ColumnFamily,
  ColumnFamilyOptions,
  Commit,
  CommitOptions,
  Durability,
  Entries,
  KeyBounds,
  PutOptions,
  Range,
  ReadOptions,
} from './types.js';

/** What every handle of one database shares. */
export interface FamilyHome {
  readonly pipeline: CommitPipeline;
  readonly views: Views;
  readonly durability: Durability;
  /** Why no write is taken right now; writes reject with it. */
  writeRefusal(): Error | undefined;
  assertReadable(): void;
}

/** Memory of a waiting operation besides key and value: measured, 880 bytes on Node 20. */
const OPERATION_OVERHEAD_BYTES = 896;

export class FamilyHandle<K, V> implements ColumnFamily<K, V> {
  readonly name: string;
  readonly entry: FamilyEntry;
  readonly key: KeyEncoding<K>;
  readonly value: ValueEncoding<V>;
  readonly home: FamilyHome;
  readonly #view = new FamilyView();

  constructor(home: FamilyHome, entry: FamilyEntry, options?: ColumnFamilyOptions<K, V>) {
    const { keyEncoding, valueEncoding } = familyOptionsOf(options);
    this.home = home;
    this.entry = entry;
    this.name = entry.name;
    this.key = keyEncodingOf(keyEncoding) as unknown as KeyEncoding<K>;
    this.value = valueEncodingOf(valueEncoding) as unknown as ValueEncoding<V>;
  }

  // --- reads ------------------------------------------------------------------------------------

  get(key: K, options?: ReadOptions): V | undefined {
    const { views } = this.home;
    if (options === undefined) {
      // Before the version is looked up: an array with getters may run anything.
      const keyBytes = this.key.encode(key, keyScratch, 0);
      if (views.readNewest(this.entry, this.#view)) {
        return readEncodedValue(views.context, this, this.#view, keyBytes);
      }
    }
    requireReadNames(options);
    return views.within(this.entry, options, (viewOf) =>
      readValue(views.context, this, viewOf, key),
    );
  }

  getAsync(key: K, options?: ReadOptions): Promise<V | undefined> {
    requireReadNames(options);
    return this.home.views.readAsync(this.entry, this, key, options);
  }

  has(key: K, options?: ReadOptions): boolean {
    const { views } = this.home;
    if (options === undefined) {
      const keyBytes = this.key.encode(key, keyScratch, 0);
      if (views.readNewest(this.entry, this.#view)) {
        return hasEncodedKey(views.context, this.#view, keyBytes);
      }
    }
    requireReadNames(options);
    return views.within(this.entry, options, (viewOf) => hasKey(views.context, this, viewOf, key));
  }

  getMany(keys: readonly K[], options?: ReadOptions): (V | undefined)[] {
    const { views } = this.home;
    requireReadNames(options);
    return views.within(this.entry, options, (viewOf) =>
      readMany(views.context, this, viewOf, keys),
    );
  }

  count(range?: Range<K>): number {
    const { views } = this.home;
    return views.within(this.entry, range, (viewOf) =>
      countRange(views.context, this, viewOf, range),
    );
  }

  entries(range?: Range<K>): Entries<[K, V], K> {
    return createEntries(this.#context(), this, range, 'entries', this.#source(range));
  }

  keys(range?: Range<K>): Entries<K, K> {
    return createEntries(this.#context(), this, range, 'keys', this.#source(range));
  }

  values(range?: Range<K>): Entries<V, K> {
    return createEntries(this.#context(), this, range, 'values', this.#source(range));
  }

  #context() {
    return this.home.views.context;
  }

  #source(range: Range<K> | undefined): () => EntriesSource {
    return () => this.home.views.pinned(this.entry, range);
  }

  // --- writes -----------------------------------------------------------------------------------

  put(key: K, value: V, options?: PutOptions<V>): Promise<Commit> {
    if (options !== undefined) return this.#putWith(key, value, options);
    // First, as both may run code of the user's: what that throws is thrown whatever the state of
    // the database, and what it writes or closes counts below.
    const own = this.key.own(key);
    const bound = this.value.byteLengthBound(value);
    const refusal = this.home.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.home.pipeline.canRunNow()) {
      return this.#commit(
        this.home.durability,
        0,
        (builder) => builder.putOwn(this.entry, this.key, this.value, own, value, bound),
        true,
      );
    }
    const valueBytes = writeOwn(this.value, value, bound);
    return this.#putCopy(encodeKey(this.key, own), valueBytes, this.home.durability);
  }

  /** The operation has to wait, or has a condition: it keeps copies. */
  #putCopy(
    keyBytes: Buffer,
    valueBytes: Buffer,
    durability: Durability,
    condition?: EncodedCondition,
  ): Promise<Commit> {
    const { pipeline, views } = this.home;
    // What could never be built is refused now, not when its turn comes.
    pipeline.builder.requireFits(keyBytes.length, valueBytes.length);
    const bytes = keyBytes.length + valueBytes.length + OPERATION_OVERHEAD_BYTES;
    return this.#commit(durability, bytes, (builder) => {
      if (condition !== undefined) {
        requireCondition(views.context, builder, this.entry, keyBytes, condition);
      }
      builder.putRaw(this.entry, keyBytes, valueBytes);
    });
  }

  #putWith(key: K, value: V, options: PutOptions<V>): Promise<Commit> {
    const { durability, condition } = putOptionsOf<V>(options, this.home.durability);
    const encoded = encodeCondition(condition, this.value);
    const keyBytes = encodeKey(this.key, key);
    const valueBytes = encodeValue(this.value, value);
    const refusal = this.home.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#putCopy(keyBytes, valueBytes, durability, encoded);
  }

  delete(key: K, options?: CommitOptions): Promise<Commit> {
    const durability = durabilityOf(options, this.home.durability);
    const own = this.key.own(key);
    const refusal = this.home.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.home.pipeline.canRunNow()) {
      return this.#commit(
        durability,
        0,
        (builder) => builder.delete(this.entry, this.key, own),
        true,
      );
    }
    const keyBytes = encodeKey(this.key, own);
    const bytes = keyBytes.length + OPERATION_OVERHEAD_BYTES;
    return this.#commit(durability, bytes, (builder) => builder.deleteRaw(this.entry, keyBytes));
  }

  clear(range?: KeyBounds<K>, options?: CommitOptions): Promise<Commit> {
    const durability = durabilityOf(options, this.home.durability);
    const { low, high } = encodeBounds(range, this.key);
    const refusal = this.home.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#commit(durability, OPERATION_OVERHEAD_BYTES, (builder) =>
      builder.clear(this.entry, low, high),
    );
  }

  /** Misuse that the build finds while it runs inside the call is thrown, not rejected. */
  #commit(
    durability: Durability,
    bytes: number,
    build: (builder: TransactionBuilder) => void,
    runsNow?: boolean,
  ): Promise<Commit> {
    let misuse: unknown;
    const promise = new Promise<Commit>((resolve, reject) => {
      const operation: Operation = {
        build,
        durability,
        bytes,
        resolve: (sequence) => resolve({ sequence }),
        reject: (error) => {
          if (error instanceof TypeError || error instanceof RangeError) misuse = error;
          reject(error);
        },
      };
      this.home.pipeline.submit(operation, runsNow);
    });
    if (misuse === undefined) return promise;
    promise.catch(() => {});
    throw misuse;
  }
}

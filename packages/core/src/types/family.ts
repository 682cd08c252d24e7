/**
 * Public types of keys, ranges and column families.
 */
import type { CommitOptions, PutOptions, ReadOptions } from './options.js';

/** A commit that was admitted, and is as durable as was asked for. */
export interface Commit {
  /**
   * Its place in the commit order: a whole number that grows by one per commit. A write that
   * changes nothing gives the sequence of the last visible commit.
   */
  readonly sequence: number;
}

/**
 * Bounds of a range of keys. At most one lower and one upper bound; `prefix` stands alone. No bound
 * means the whole family. Conflicting bounds are a `TypeError`.
 */
export interface KeyBounds<K> {
  gt?: K | undefined;
  gte?: K | undefined;
  lt?: K | undefined;
  lte?: K | undefined;
  /**
   * Keys that begin with this one: for `'utf8'` and `'buffer'` keys by bytes, for `'ordered'` keys
   * an array, meaning all arrays that begin with its elements (itself included).
   */
  prefix?: K | undefined;
}

/** Bounds plus direction and number of entries. */
export interface KeyRange<K> extends KeyBounds<K> {
  /** From the last entry to the first. Default `false`. */
  reverse?: boolean | undefined;
  /** Most entries; a whole number of at least 0. Default: no limit. */
  limit?: number | undefined;
}

/** Which entries a scan gives, in which order, out of which state. */
export interface Range<K> extends KeyRange<K>, ReadOptions {}

/**
 * One walk over a range, in key order. It is an iterator for `for`-`of` and for `for await`, for
 * one walk only, and it shows the state of the moment it was made, whatever is written meanwhile.
 *
 * `for`-`of` reads on the calling thread; `for await` lets the event loop run in between and reads
 * cold pages without blocking it. A loop closes it at its end, also by `break` or an exception; one
 * that you step by hand needs `close()` or `using`, because until then, or until its `limit` is
 * used up, it holds on to its state. A forgotten one never blocks writers, but it keeps superseded
 * pages, and one of 4,096 places: iterators and snapshots hold at most so many different versions,
 * and making one more throws `ERR_MANIFOLD_LIMIT`.
 *
 * @typeParam T what each step gives
 * @typeParam K type of the keys, for `seek`
 * @example
 * for (const [key, value] of users.entries({ prefix: 'user:', limit: 10 })) {
 *   console.log(key, value);
 * }
 * for await (const key of users.keys()) await visit(key);
 */
export interface Entries<T, K = unknown> extends Disposable {
  /** The next entry. Throws `ERR_MANIFOLD_CLOSED` once the database is closed. */
  next(): IteratorResult<T, undefined>;
  /** Closes, as a loop does on `break`. */
  return(): IteratorResult<T, undefined>;
  /**
   * Continues at `key`: the next entry is the first one at or behind it in the direction of the
   * walk. A key outside the range means the nearest end of the range. Works in both directions, as
   * often as you like until `next` has said done, which closes the walk; `limit` goes on counting.
   */
  seek(key: K): this;
  /** Gives up the state it holds. Idempotent; `next` then says done. */
  close(): void;
  [Symbol.iterator](): IterableIterator<T, undefined>;
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined>;
}

/** The reads of a column family; all synchronous unless named otherwise. */
export interface FamilyReads<K, V> {
  /**
   * The value of a key, or `undefined`. A page that is not in memory is read on the calling thread.
   *
   * @throws TypeError or RangeError for a key that the encoding refuses
   * @throws ManifoldError `ERR_MANIFOLD_CLOSED`, `ERR_MANIFOLD_CORRUPT`, `ERR_MANIFOLD_IO`
   */
  get(key: K, options?: ReadOptions): V | undefined;
  /**
   * Like `get`, for data that may be cold: reads from disk without blocking the event loop, unless
   * snapshots and iterators hold as many versions as they may.
   */
  getAsync(key: K, options?: ReadOptions): Promise<V | undefined>;
  /** Whether the key has a value. Cheaper than `get`: the value is neither read nor decoded. */
  has(key: K, options?: ReadOptions): boolean;
  /** The values of many keys out of one state, in the order of the keys. */
  getMany(keys: readonly K[], options?: ReadOptions): (V | undefined)[];
  /**
   * Key-value pairs in key order.
   *
   * @throws ManifoldError `ERR_MANIFOLD_LIMIT` as described at {@link Entries}; so do `keys` and
   *   `values`
   */
  entries(range?: Range<K>): Entries<[K, V], K>;
  /** Keys in order; values are not read. */
  keys(range?: Range<K>): Entries<K, K>;
  /** Values in key order. */
  values(range?: Range<K>): Entries<V, K>;
  /** Exact number of entries in the range, in time logarithmic in the size of the family. */
  count(range?: Range<K>): number;
}

/**
 * The writes of a column family; each is one commit of its own. Misuse (wrong types, keys or values
 * over the limit) throws before anything is appended. The promise resolves once the commit is as
 * durable as asked for; it rejects with a `ManifoldError`:
 *
 * - `ERR_MANIFOLD_FULL`: no room on the disk; nothing was written, later commits may succeed
 * - `ERR_MANIFOLD_INDETERMINATE`: the log failed under it; reopening tells
 * - `ERR_MANIFOLD_POISONED`, `ERR_MANIFOLD_READONLY`, `ERR_MANIFOLD_CLOSED`: nothing was written
 * - `ERR_MANIFOLD_CONFLICT`: a condition did not hold; nothing was written
 */
export interface FamilyWrites<K, V> {
  /** Stores a value. Key and value are copied before the call returns. */
  put(key: K, value: V, options?: PutOptions<V>): Promise<Commit>;
  /** Removes a key; a key that is not there is no error. */
  delete(key: K, options?: CommitOptions): Promise<Commit>;
  /** Removes all keys of a range (all of the family without one), as one short log record. */
  clear(range?: KeyBounds<K>, options?: CommitOptions): Promise<Commit>;
}

/**
 * A named, ordered key space of its own; commits span families atomically. A handle is cheap, may
 * be made any number of times, and fixes the encodings. Keys hold 1 to 1,024 bytes, values 0 bytes
 * to 1 GiB (as bounded by `walBytesMax`).
 *
 * @example
 * const users = db.columnFamily<string, User>('users', { valueEncoding: 'json' });
 * await users.put('ada', { born: 1815 });
 * users.get('ada'); // { born: 1815 }
 */
export interface ColumnFamily<K = string, V = string>
  extends FamilyReads<K, V>, FamilyWrites<K, V> {
  readonly name: string;
}

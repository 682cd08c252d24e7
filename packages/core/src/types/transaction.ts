/**
 * Public types of everything that makes one commit out of many operations.
 */
import type { ColumnFamily, Commit, Entries, KeyBounds, KeyRange } from './family.js';
import type { CommitOptions, PutConditions } from './options.js';

/**
 * A point inside a transaction to go back to. Valid in the transaction that made it, until that
 * ends or goes back to an earlier one; elsewhere it is a `TypeError`.
 */
export interface Savepoint {
  /** Number of operations of the transaction when it was taken. */
  readonly operationCount: number;
}

/**
 * What a transaction can do. Every method takes the column family first; reads see the
 * transaction's own writes. Nothing is visible outside before the commit, and only calls on `tx`
 * belong to the transaction. Using it after its end throws `ERR_MANIFOLD_CLOSED`.
 */
export interface TransactionOperations {
  get<K, V>(family: ColumnFamily<K, V>, key: K): V | undefined;
  has<K, V>(family: ColumnFamily<K, V>, key: K): boolean;
  getMany<K, V>(family: ColumnFamily<K, V>, keys: readonly K[]): (V | undefined)[];
  /**
   * Stores a value.
   *
   * @throws ManifoldError `ERR_MANIFOLD_CONFLICT` when a condition does not hold. Catch it to go on
   * with the transaction; uncaught it rolls the transaction back.
   */
  put<K, V>(family: ColumnFamily<K, V>, key: K, value: V, conditions?: PutConditions<V>): void;
  delete<K, V>(family: ColumnFamily<K, V>, key: K): void;
  /** Removes all keys of a range, or all of the family. */
  clear<K, V>(family: ColumnFamily<K, V>, range?: KeyBounds<K>): void;
  /**
   * Key-value pairs in key order, as they are when the iterator is made: later writes of the
   * transaction do not show in it.
   */
  entries<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<[K, V], K>;
  keys<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<K, K>;
  values<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): Entries<V, K>;
  /** Exact number of entries in the range. */
  count<K, V>(family: ColumnFamily<K, V>, range?: KeyRange<K>): number;
  savepoint(): Savepoint;
  /** Undoes everything since the savepoint, which stays valid; iterators made since end. */
  rollbackTo(savepoint: Savepoint): void;
}

/**
 * The transaction of `write` and `writeSync`: it runs alone, on the newest state, so it never
 * conflicts. The callback is synchronous.
 */
export interface WriteTransaction extends TransactionOperations {}

/**
 * The transaction of `transaction`: its body may `await`. Reads are synchronous and come out of the
 * state at its start. At commit everything it read, ranges included, is compared with the newest
 * state; if anything differs, the body runs again on that.
 */
export interface Transaction extends TransactionOperations {
  /** Sequence of the state that it reads. */
  readonly sequence: number;
}

/** A commit together with what the callback returned. */
export interface CommitWithValue<T> extends Commit {
  readonly value: T;
}

/**
 * Writes collected for one commit, without reads. Keys and values are encoded and copied when they
 * are added. The memory is outside the database's bounds until `write`.
 *
 * @example
 * const batch = db.batch();
 * batch.put(users, 'ada', ada).delete(users, 'bob');
 * await batch.write();
 */
export interface Batch {
  /** Operations collected so far. */
  readonly length: number;
  put<K, V>(family: ColumnFamily<K, V>, key: K, value: V): this;
  delete<K, V>(family: ColumnFamily<K, V>, key: K): this;
  /** Adds the removal of a range. To empty the batch itself, use `reset`. */
  clear<K, V>(family: ColumnFamily<K, V>, range?: KeyBounds<K>): this;
  /** Drops everything collected. */
  reset(): this;
  /**
   * Commits what was collected, atomically and in order, and empties the batch for the next use.
   * Rejects as the writes of a column family do.
   */
  write(options?: CommitOptions): Promise<Commit>;
}

/**
 * Public types of an open database.
 */
import type { ColumnFamilyOptions } from './encoding.js';
import type { ColumnFamily, Commit, FamilyReads, FamilyWrites } from './family.js';
import type { CommitOptions, TransactionOptions, WaitOptions } from './options.js';
import type { BackupOptions, BackupReport, Stats, VerifyOptions, VerifyReport } from './reports.js';
import type { Batch, CommitWithValue, Transaction, WriteTransaction } from './transaction.js';

/**
 * The state of the database after one commit, for as long as you need it. Taking one is cheap and
 * never blocks writers; an open one keeps superseded pages from being reused, which `stats()`
 * shows. Snapshots and iterators hold at most 4,096 different versions at once.
 *
 * @example
 * {
 *   using snapshot = db.snapshot();
 *   users.get('ada', { snapshot });
 * }
 */
export interface Snapshot extends Disposable {
  /** Sequence of the last commit it shows. */
  readonly sequence: number;
  readonly closed: boolean;
  /** Gives it up. Idempotent; reads with it then throw `ERR_MANIFOLD_CLOSED`. */
  close(): void;
}

/**
 * An open database. The reads and writes of {@link ColumnFamily} that stand directly on it work on
 * the family `default`, with strings as keys and values.
 *
 * @example
 * await using db = await open('./data');
 * await db.put('hello', 'world');
 * db.get('hello'); // 'world'
 */
export interface Database
  extends FamilyReads<string, string>, FamilyWrites<string, string>, AsyncDisposable {
  /** Absolute path of the directory. */
  readonly path: string;
  /** The family `default` as a handle, for the calls that take one. */
  readonly defaultFamily: ColumnFamily<string, string>;

  /**
   * A handle of the family with this name. The family is created by the first commit that writes to
   * it; until then it reads as empty.
   *
   * @param name 1 to 240 bytes of UTF-8
   */
  columnFamily<K = string, V = string>(
    name: string,
    options?: ColumnFamilyOptions<K, V>,
  ): ColumnFamily<K, V>;
  /** Names of the families that exist, sorted. `default` exists always. */
  columnFamilies(): string[];
  /**
   * Removes a family with all its entries, in the commit order. A later write to the name creates
   * an empty one. The family `default` is emptied instead. A name that is not there changes
   * nothing.
   */
  dropColumnFamily(name: string, options?: CommitOptions): Promise<Commit>;

  /**
   * Runs `build` on the newest state and commits what it wrote, atomically. Runs it once, when the
   * commit is admitted: at once unless earlier writes wait for room. A `build` that throws rolls
   * back and rejects with what it threw; one that returns a promise rejects with a `TypeError`.
   *
   * @example
   * const { value: total } = await db.write((tx) => {
   *   const total = Number(tx.get(counters, 'visits') ?? '0') + 1;
   *   tx.put(counters, 'visits', String(total));
   *   return total;
   * });
   */
  write<T>(
    build: (tx: WriteTransaction) => T,
    options?: CommitOptions,
  ): Promise<CommitWithValue<T>>;
  /** Like `write`, but blocks the calling thread until the commit is as durable as asked for. */
  writeSync<T>(build: (tx: WriteTransaction) => T, options?: CommitOptions): CommitWithValue<T>;
  /**
   * Runs an asynchronous body on a snapshot and commits what it wrote if everything it read still
   * holds; otherwise runs it again, as often as `retries` allows. Serialisable. Rejects with
   * `ERR_MANIFOLD_LIMIT` when the snapshot cannot be taken.
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  batch(): Batch;
  /**
   * The state after the last commit, `lastCommitted`.
   *
   * @throws ManifoldError `ERR_MANIFOLD_LIMIT` when that would be one version too many
   */
  snapshot(): Snapshot;

  /** Sequence of the last commit that was admitted; what default reads see. */
  readonly lastCommitted: number;
  /** Sequence up to which everything survives a loss of power. */
  readonly lastSynced: number;
  /** Sequence of the last published state of the trees. */
  readonly lastApplied: number;
  /**
   * Resolves once `lastSynced` has reached the sequence; without one, that of every write called
   * before, also of those that still wait for room. A sequence of the future waits for it. Rejects
   * when the database fails or closes before.
   */
  waitForSync(sequence?: number, options?: WaitOptions): Promise<void>;
  /** The same for `lastApplied`. */
  waitForApply(sequence?: number, options?: WaitOptions): Promise<void>;

  /**
   * Brings every write that was called before into the data file, and shortens the log.
   */
  checkpoint(): Promise<void>;
  /**
   * Reads a checkpoint of the database whole and checks every page, every tree and the log. Damage
   * is reported, not thrown; the promise rejects only when the check itself cannot run.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /**
   * Copies the database as of one checkpoint into a directory that is empty or absent (else
   * `ERR_MANIFOLD_BACKUP_TARGET`), while writes go on. The copy opens like any database.
   */
  backup(target: string, options?: BackupOptions): Promise<BackupReport>;
  /** What the database is doing and what it holds. Cheap; a snapshot of figures, not live. */
  stats(): Stats;
  /**
   * Waits for everything admitted, takes a checkpoint and releases the directory. Idempotent. After
   * it every call fails with `ERR_MANIFOLD_CLOSED`. Rejects with the cause if the database failed.
   */
  close(): Promise<void>;
}

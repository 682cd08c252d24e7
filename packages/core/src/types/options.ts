/**
 * Public types: what `open` accepts, and the options of single calls.
 */
import type { Snapshot } from './database.js';

/**
 * How commits travel through the four stages (build, append, sync, apply). The files on disk are
 * the same in all of them; a database may be opened in another mode every time.
 *
 * - `'buffered'` (default): commits go to the log and into a write buffer in memory; a worker
 *   merges full buffers into the trees, in key order.
 * - `'pipelined'`: every commit changes pages of the trees at once; later commits are built and
 *   appended while earlier ones are synced, and applied by a worker once synced.
 * - `'async-wal'`: a commit is applied inline right after its append; the sync runs in the
 *   background.
 * - `'sequential'`: one commit at a time passes all stages.
 */
export type CommitMode = 'buffered' | 'pipelined' | 'async-wal' | 'sequential';

/**
 * When the promise of a commit resolves.
 *
 * - `'immediate'` (default): it is on stable storage and survives a loss of power.
 * - `'async'`: it is written to the file and survives the death of the process.
 * - `'none'`: it is in the log's memory and may be lost with the process.
 *
 * The order of commits never depends on it, and `waitForSync(sequence)` turns any of them into the
 * first, later.
 */
export type Durability = 'immediate' | 'async' | 'none';

/**
 * Which state a read sees.
 *
 * - `'latest'` (default): everything committed on this handle, synced or not.
 * - `'synced'`: only what is on stable storage.
 * - `'applied'`: only what the apply stage has published.
 */
export type Consistency = 'latest' | 'synced' | 'applied';

/** Numbers of worker threads. The fsync worker is always one. */
export interface WorkerCounts {
  /** Apply workers, 1 to 8 (default 1); more help only when several column families are written. */
  apply?: number | undefined;
  /**
   * Threads for side work (verify, backup), 1 to 64 (default: 2, or 1 on a machine with one
   * processor). They are started on first use.
   */
  pool?: number | undefined;
}

/**
 * Options of `open`. Sizes are bytes, times are milliseconds; both are whole numbers. A wrong type
 * or an unknown name is a `TypeError`, a value out of range a `RangeError`; both name the option
 * and the limit, and are thrown before any file is touched.
 */
export interface OpenOptions {
  /** Default `'buffered'`. */
  mode?: CommitMode | undefined;
  /** Of commits that do not say otherwise. Default `'immediate'`. */
  durability?: Durability | undefined;
  workers?: WorkerCounts | undefined;
  /** Create the database if the directory holds none. Default `true`. */
  createIfMissing?: boolean | undefined;
  /** Reject with `ERR_MANIFOLD_EXISTS` if the directory holds a database. Default `false`. */
  errorIfExists?: boolean | undefined;
  /**
   * Default `false`. Nothing is written to the directory: what the log holds beyond the last
   * checkpoint is replayed in memory. Writes reject with `ERR_MANIFOLD_READONLY`. Excludes
   * `errorIfExists` and implies `createIfMissing: false`. For a database that nobody has open for
   * writing: no lock is taken, and a writer recycles what is being read. Then this open rejects
   * with `ERR_MANIFOLD_LOCKED`, or a later read throws `ERR_MANIFOLD_CORRUPT`; nothing wrong is
   * ever returned. Beside a writer, read a backup.
   */
  readOnly?: boolean | undefined;
  /**
   * Page size of a database that is created now: a power of two, 4 KiB (default) to 64 KiB. An
   * existing database keeps the size it was created with; naming another is refused.
   */
  pageBytes?: number | undefined;
  /**
   * Memory for page frames, shared by all threads. Default 64 MiB; at least 1 MiB and 256 pages, at
   * most 64 GiB; rounded up to whole pages.
   */
  cacheBytes?: number | undefined;
  /**
   * Mode `'buffered'`: memory of one generation of the write buffer, its index included. Default
   * 24 MiB; 1 MiB to 1 GiB, rounded up to 64 KiB.
   */
  writeBufferBytes?: number | undefined;
  /**
   * Mode `'buffered'`: how many generations there are. One takes commits, the others wait to be
   * merged; when all are full, commits wait. Default 4; 2 to 64.
   */
  writeBufferCount?: number | undefined;
  /**
   * Memory between append and sync: 1 MiB to 1 GiB, rounded up to a power of two. Default 4 MiB.
   */
  walRingBytes?: number | undefined;
  /**
   * Size of a log file, preallocated: a multiple of 64 KiB, 2 MiB to below 2 GiB, and at least
   * `walRingBytes` + 2 MiB. Default 8 MiB, or the least that the ring needs.
   */
  walSegmentBytes?: number | undefined;
  /**
   * Bound of all log files together; beyond it commits wait for a checkpoint. 4 to 1,016
   * segments. A transaction may fill half of it. Default 256 MiB, or the least that the segments
   * need.
   */
  walBytesMax?: number | undefined;
  /**
   * Memory for writes that were called but not yet admitted. Beyond it a call blocks until the
   * other threads have made room. At least 64 KiB. Default 16 MiB.
   */
  pendingBytesMax?: number | undefined;
  /** Most commits between append and apply: 1 to 16,384. Default 4,096. */
  pendingCommitsMax?: number | undefined;
  /**
   * Longest time between checkpoints while there are changes; 0 means never by time. Default 5,000.
   */
  checkpointIntervalMs?: number | undefined;
  /** Aborts the opening (recovery of a long log, say); no effect once the database is open. */
  signal?: AbortSignal | undefined;
}

/** Options of one commit. */
export interface CommitOptions {
  /** Default: the durability that the database was opened with. */
  durability?: Durability | undefined;
}

/**
 * Options of a single `put`. `ifAbsent` and `ifValue` exclude each other; a condition that does not
 * hold rejects with `ERR_MANIFOLD_CONFLICT` and writes nothing.
 */
export interface PutOptions<V> extends CommitOptions, PutConditions<V> {}

/** Conditions of a `put`, compared with the state the commit is built on. */
export interface PutConditions<V> {
  /** Write only if the key has no value. */
  ifAbsent?: boolean | undefined;
  /**
   * Write only if the key has this value now; compared by encoded bytes. Leave it out for no
   * condition: `undefined`, as `get` gives it for a missing key, is a `TypeError`.
   */
  ifValue?: V;
}

/** Options of `transaction`. */
export interface TransactionOptions extends CommitOptions {
  /**
   * How often the body may run again after a conflict, 0 to 1,000 (default 10). When they run out
   * the promise rejects with `ERR_MANIFOLD_CONFLICT`.
   */
  retries?: number | undefined;
}

/** Options of a read. `snapshot` and `consistency` exclude each other. */
export interface ReadOptions {
  /** Read the state of this snapshot. */
  snapshot?: Snapshot | undefined;
  /** Default `'latest'`. */
  consistency?: Consistency | undefined;
}

/** Options of the waiting calls. */
export interface WaitOptions {
  /** Stops waiting: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

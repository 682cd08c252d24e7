/**
 * The public face of an open database: validates, then hands to the commit path and the views.
 * Main thread.
 */
import {
  PROGRESS_SHUTDOWN,
  REASON_ANY,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  TEST_SWITCH_FAILED_BUILD_KEPT,
  isTestSwitchOn,
  ringAllBells,
  type DatabaseLock,
} from '@manifold-db/storage';
import { WriteBatch } from './batch.js';
import type { TransactionBuilder } from './build/builder.js';
import { whenAllAdmitted } from './called-writes.js';
import { CommitPipeline, type Build, type Operation } from './commit.js';
import { describe } from './encoding/index.js';
import { closedError, type Engine } from './engine.js';
import { DEFAULT_FAMILY } from './families.js';
import { FamilyHandle, type FamilyHome } from './family.js';
import { OptimisticTransaction, conflictError } from './optimistic.js';
import {
  absolutePath,
  durabilityOf,
  requireFunction,
  signalOf,
  transactionOptionsOf,
  type CheckedTransactionOptions,
} from './options/index.js';
import { openError } from './recovery/file-errors.js';
import { backupDatabase } from './side/backup.js';
import { SidePool, type SideFiles } from './side/pool.js';
import { verifyDatabase } from './side/verify.js';
import type { Pins } from './pins.js';
import { Snapshots } from './snapshots.js';
import { collectStats } from './stats.js';
import type * as api from './types.js';
import { Views } from './views.js';
import { BuilderTransaction } from './write-transaction.js';

export class ManifoldDatabase implements api.Database, FamilyHome {
  readonly pipeline: CommitPipeline;
  /** Kept for its hidden class, as `TreeChanges.newest`. */
  newestTransaction: BuilderTransaction | undefined;
  readonly snapshots: Snapshots;
  readonly views: Views;
  readonly durability: api.Durability;
  readonly defaultFamily: FamilyHandle<string, string>;
  readonly #engine: Engine;
  readonly #lock: DatabaseLock | undefined;
  readonly #pool: SidePool;
  #closing: Promise<void> | undefined;

  /** `files`: those of the side work, when they are not the real ones. */
  constructor(engine: Engine, lock: DatabaseLock | undefined, files?: SideFiles) {
    this.#engine = engine;
    this.#lock = lock;
    this.durability = engine.options.durability;
    this.pipeline = new CommitPipeline(engine);
    const { applier, pins, versions } = this.pipeline;
    this.snapshots = new Snapshots(engine, pins, applier.syncedView, versions);
    this.views = new Views(engine, applier, this.snapshots, pins, versions);
    this.#pool = new SidePool(engine.options.workers.pool, files);
    this.defaultFamily = new FamilyHandle(this, engine.families.entry(DEFAULT_FAMILY));
  }

  get pins(): Pins {
    return this.pipeline.pins;
  }

  get path(): string {
    return this.#engine.path;
  }

  assertReadable(): void {
    this.#engine.assertReadable();
  }

  writeRefusal(): Error | undefined {
    return this.#engine.writeRefusal();
  }

  // --- column families --------------------------------------------------------------------------

  columnFamily<K = string, V = string>(
    name: string,
    options?: api.ColumnFamilyOptions<K, V>,
  ): api.ColumnFamily<K, V> {
    this.#engine.assertReadable();
    return new FamilyHandle<K, V>(this, this.#engine.families.entry(name), options);
  }

  columnFamilies(): string[] {
    this.#engine.assertReadable();
    return this.views.familyNames();
  }

  dropColumnFamily(name: string, options?: api.CommitOptions): Promise<api.Commit> {
    const entry = this.#engine.families.entry(name);
    return this.#commit((builder) => builder.drop(entry), 0, options);
  }

  // --- the family `default` ---------------------------------------------------------------------

  get(key: string, options?: api.ReadOptions): string | undefined {
    return this.defaultFamily.get(key, options);
  }

  getAsync(key: string, options?: api.ReadOptions): Promise<string | undefined> {
    return this.defaultFamily.getAsync(key, options);
  }

  has(key: string, options?: api.ReadOptions): boolean {
    return this.defaultFamily.has(key, options);
  }

  getMany(keys: readonly string[], options?: api.ReadOptions): (string | undefined)[] {
    return this.defaultFamily.getMany(keys, options);
  }

  entries(range?: api.Range<string>): api.Entries<[string, string], string> {
    return this.defaultFamily.entries(range);
  }

  keys(range?: api.Range<string>): api.Entries<string, string> {
    return this.defaultFamily.keys(range);
  }

  values(range?: api.Range<string>): api.Entries<string, string> {
    return this.defaultFamily.values(range);
  }

  count(range?: api.Range<string>): number {
    return this.defaultFamily.count(range);
  }

  put(key: string, value: string, options?: api.PutOptions<string>): Promise<api.Commit> {
    return this.defaultFamily.put(key, value, options);
  }

  delete(key: string, options?: api.CommitOptions): Promise<api.Commit> {
    return this.defaultFamily.delete(key, options);
  }

  clear(range?: api.KeyBounds<string>, options?: api.CommitOptions): Promise<api.Commit> {
    return this.defaultFamily.clear(range, options);
  }

  // --- transactions -----------------------------------------------------------------------------

  write<T>(
    build: (tx: api.WriteTransaction) => T,
    options?: api.CommitOptions,
  ): Promise<api.CommitWithValue<T>> {
    requireFunction(build, 'build');
    const durability = durabilityOf(options, this.durability);
    const refusal = this.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const operation: Operation = {
        build: this.#callback(build, reject),
        durability,
        bytes: CALLBACK_BYTES,
        resolve: (sequence, value) => resolve({ sequence, value: value as T }),
        reject,
      };
      this.pipeline.submit(operation, this.pipeline.canRunThisTurn());
    });
  }

  writeSync<T>(
    build: (tx: api.WriteTransaction) => T,
    options?: api.CommitOptions,
  ): api.CommitWithValue<T> {
    requireFunction(build, 'build');
    this.#engine.assertWritable();
    if (this.pipeline.isBuilding) {
      throw new TypeError('writeSync cannot be called inside the callback of a write');
    }
    const durability = durabilityOf(options, this.durability);
    let result: api.CommitWithValue<T> | undefined;
    let failure: { error: unknown } | undefined;
    const reject = (error: unknown): void => {
      failure = { error };
    };
    this.pipeline.submit({
      build: this.#callback(build, reject),
      durability,
      bytes: CALLBACK_BYTES,
      resolve: (sequence, value) => {
        result = { sequence, value: value as T };
      },
      reject,
    });
    const isSettled = () => result !== undefined || failure !== undefined;
    if (!isSettled()) this.pipeline.blockUntil(isSettled);
    if (failure !== undefined) throw failure.error;
    return result!;
  }

  #callback<T>(build: (tx: api.WriteTransaction) => T, reject: (error: unknown) => void): Build {
    return (builder) => {
      const tx = new BuilderTransaction(this, this.#engine, builder);
      this.newestTransaction = tx;
      try {
        const value = build(tx);
        if (isThenable(value)) {
          Promise.resolve(value).catch(() => {});
          throw new TypeError('build must be synchronous; use transaction() for an async body');
        }
        return value;
      } catch (error) {
        if (!isTestSwitchOn(this.#engine.shared, TEST_SWITCH_FAILED_BUILD_KEPT)) throw error;
        // B14 re-injected: reported as failed, and what it had built goes on into the log.
        reject(error);
        return undefined;
      } finally {
        tx.end();
      }
    };
  }

  transaction<T>(
    body: (tx: api.Transaction) => Promise<T>,
    options?: api.TransactionOptions,
  ): Promise<T> {
    requireFunction(body, 'body');
    return this.#transact(body, transactionOptionsOf(options, this.durability));
  }

  async #transact<T>(
    body: (tx: api.Transaction) => Promise<T>,
    { durability, retries }: CheckedTransactionOptions,
  ): Promise<T> {
    for (let attempt = 0; attempt <= retries; attempt++) {
      this.#engine.assertWritable();
      const snapshot = this.snapshots.take();
      const builder = this.pipeline.newBuilder();
      const tx = new OptimisticTransaction(this, this.#engine, snapshot, builder);
      try {
        const value = await body(tx);
        tx.end();
        if (await this.#commitOptimistic(tx, durability)) return value;
      } finally {
        tx.discard();
        snapshot.close();
      }
    }
    throw conflictError(retries + 1);
  }

  /** False when something that the transaction read has changed since. */
  #commitOptimistic(tx: OptimisticTransaction, durability: api.Durability): Promise<boolean> {
    if (!tx.hasWrites) return Promise.resolve(true);
    const refusal = this.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.pipeline.submit({
        build: (builder) => {
          if (!tx.isCurrent()) return false;
          tx.replayInto(builder);
          return true;
        },
        durability,
        bytes: CALLBACK_BYTES,
        resolve: (_sequence, isCommitted) => resolve(isCommitted as boolean),
        reject,
      });
    });
  }

  batch(): api.Batch {
    return new WriteBatch(this, (build, bytes, options) => this.#commit(build, bytes, options));
  }

  #commit(
    build: (builder: TransactionBuilder) => void,
    bytes: number,
    options: api.CommitOptions | undefined,
  ): Promise<api.Commit> {
    const durability = durabilityOf(options, this.durability);
    const refusal = this.writeRefusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      this.pipeline.submit({
        build,
        durability,
        bytes: bytes + CALLBACK_BYTES,
        resolve: (sequence) => resolve({ sequence }),
        reject,
      });
    });
  }

  snapshot(): api.Snapshot {
    return this.snapshots.take();
  }

  // --- watermarks -------------------------------------------------------------------------------

  get lastCommitted(): number {
    return this.#engine.lastCommitted;
  }

  get lastSynced(): number {
    return this.#engine.synced;
  }

  get lastApplied(): number {
    return this.#engine.applied;
  }

  waitForSync(sequence?: number, options?: api.WaitOptions): Promise<void> {
    requireSequence(sequence);
    return this.#wait(this.pipeline.waits.synced, sequence, signalOf(options));
  }

  waitForApply(sequence?: number, options?: api.WaitOptions): Promise<void> {
    requireSequence(sequence);
    const { pipeline } = this;
    return this.#wait(pipeline.waits.applied, sequence, signalOf(options), (wanted) =>
      pipeline.handOver(wanted),
    );
  }

  async #wait(
    waiters: CommitPipeline['waits']['synced'],
    wanted: number | undefined,
    signal: AbortSignal | undefined,
    handOver?: (sequence: number) => void,
  ): Promise<void> {
    this.#engine.assertReadable();
    signal?.throwIfAborted();
    // Where nothing waits for admission, the wait begins before anything else happens.
    if (wanted === undefined && !this.pipeline.isIdle) {
      await whenAllAdmitted(this.pipeline, signal);
    }
    const sequence = wanted ?? this.lastCommitted;
    if (!this.#engine.hasFailed) handOver?.(sequence);
    if (this.#engine.hasFailed) this.pipeline.poll();
    const promise = this.pipeline.waits.wait(waiters, sequence, { signal });
    // An aborted wait holds the process no longer.
    if (signal !== undefined) promise.catch(() => this.pipeline.poll());
    this.pipeline.poll();
    await promise;
  }

  // --- care -------------------------------------------------------------------------------------

  async checkpoint(): Promise<void> {
    this.#engine.assertWritable();
    // Every write called before: the worker checkpoints what is synced and applied.
    if (!this.pipeline.isIdle) await whenAllAdmitted(this.pipeline);
    const sequence = this.lastCommitted;
    await this.waitForSync(sequence);
    await this.waitForApply(sequence);
    do {
      this.#engine.assertWritable();
      const request = this.#engine.requestCheckpoint();
      const { waits } = this.pipeline;
      const promise = waits.wait(waits.checkpoints, request, undefined);
      this.pipeline.poll();
      await promise;
      // Where this thread publishes what is applied, the worker may still be behind that.
    } while (this.#engine.checkpointed < sequence);
  }

  verify(options?: api.VerifyOptions): Promise<api.VerifyReport> {
    const signal = signalOf(options);
    return this.#aside(() => verifyDatabase(this.#engine, this, this.#pool, signal));
  }

  backup(target: string, options?: api.BackupOptions): Promise<api.BackupReport> {
    const path = absolutePath(target, 'target');
    const signal = signalOf(options);
    return this.#aside(() => backupDatabase(this.#engine, this, this.#pool, path, signal));
  }

  async #aside<Report>(work: () => Promise<Report>): Promise<Report> {
    this.#engine.assertReadable();
    return work();
  }

  stats(): api.Stats {
    this.#engine.assertReadable();
    return collectStats(this.#engine, this.pipeline, this.snapshots);
  }

  // --- end --------------------------------------------------------------------------------------

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const engine = this.#engine;
    const { pipeline } = this;
    engine.assertReadable();
    // Writes called before are still carried out; new ones are refused from here on.
    engine.startClosing();
    await new Promise<void>((resolve) => this.#whenIdle(resolve));
    await this.#whenPublished();
    await this.#pool.close();
    await this.#whenSealed();
    const failed = engine.hasFailed;
    const { shared } = engine;
    Atomics.store(shared.progress, PROGRESS_SHUTDOWN, failed ? SHUTDOWN_NOW : SHUTDOWN_DRAIN);
    ringAllBells(shared.bells, REASON_ANY);
    await engine.host.stopped();
    pipeline.poll();
    pipeline.waits.rejectAll(closedError);
    pipeline.stop();
    engine.finishClosing();
    engine.pager.file?.close();
    this.#giveLockBack();
    if (engine.hasFailed) throw engine.poisonedError();
  }

  /** Closed it is either way, but a lock file that stays is nothing to be silent about. */
  #giveLockBack(): void {
    try {
      this.#lock?.release();
    } catch (error) {
      if (!this.#engine.hasFailed) throw openError(error, this.#engine.path);
    }
  }

  /** Mode `sequential`: the workers' last checkpoint covers what this thread has published. */
  async #whenPublished(): Promise<void> {
    const { applier, waits } = this.pipeline;
    if (!applier.needsSync || this.#engine.hasFailed) return;
    const published = waits.wait(waits.applied, this.lastCommitted, undefined);
    this.pipeline.poll();
    // A failure meanwhile is what `close` reports anyway.
    await published.catch(() => {});
  }

  /** Mode `buffered`: the workers' last merge covers what stands in the buffers. */
  async #whenSealed(): Promise<void> {
    const { buffered } = this.pipeline;
    if (buffered === undefined) return;
    this.pipeline.handOver(this.lastCommitted);
    while (!buffered.buffers.isActiveEmpty && !this.#engine.hasFailed) {
      await new Promise<void>((resolve) => {
        this.#engine.host.startTimer(SEAL_LOOK_MS, resolve, true);
      });
      this.pipeline.poll();
    }
  }

  #whenIdle(done: () => void): void {
    if (this.pipeline.isIdle || this.#engine.hasFailed || this.#engine.options.readOnly) done();
    else this.pipeline.onIdle(done);
  }
}

/** Between two looks whether the queue has room for the last generation. */
const SEAL_LOOK_MS = 1;

/** What a waiting callback counts for: its promise and closures, and a little of what they hold. */
const CALLBACK_BYTES = 896;

function requireSequence(sequence: unknown): void {
  if (sequence === undefined || (Number.isSafeInteger(sequence) && Number(sequence) >= 0)) return;
  throw new RangeError(`sequence must be a whole number of at least 0, not ${describe(sequence)}`);
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

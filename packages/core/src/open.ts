/**
 * `open`: lock, files, recovery, workers, in this order; whatever fails undoes what came before.
 * Main thread.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  DATABASE_ID_BYTES,
  DATA_FILE_NAME,
  REASON_ANY,
  PROGRESS_APPLIED,
  PROGRESS_SYNCED,
  PROGRESS_WRITTEN,
  PROGRESS_APPENDED,
  QueueProducer,
  ROOTS_ADMITTED,
  ManifoldError,
  acquireLock,
  createDatabaseFiles,
  createVfs,
  databaseState,
  livingHolder,
  publishRootSet,
  readMetas,
  storeWide,
  type AllocateShared,
  type ApplyInit,
  type DatabaseLock,
  type Vfs,
  type VfsSpec,
  type WalInit,
} from '@manifold-db/storage';
import { ManifoldDatabase } from './database.js';
import { absolutePath, checkOpenOptions, withPageBytes } from './options/index.js';
import type { CheckedOpenOptions } from './options/index.js';
import { existsError, notFoundError, openError } from './recovery/file-errors.js';
import { admittedRows, recover, type Recovered } from './recovery/recover.js';
import { syncNamesAbove } from './recovery/sync-files.js';
import type { SideFiles } from './side/pool.js';
import type { Host } from './supervise/host.js';
import { ThreadHost } from './supervise/thread-host.js';
import type { CommitMode, Database, OpenOptions, OptionsInForce } from './types.js';

/** What tests and the benchmark replace; not part of the public options. */
export interface OpenEnvironment {
  /** Files of all threads. */
  readonly vfsSpec?: VfsSpec;
  /** Files of this thread, when they are not those of `vfsSpec` (the simulator). */
  readonly vfs?: Vfs;
  readonly host?: Host;
  /**
   * In place of what the public options allow: sizes so small that every queue is full and every
   * segment is changed within a few commits.
   */
  readonly sizes?: Partial<OptionsInForce>;
  /** No LOCK file, for directories that live in memory. */
  readonly withoutLock?: boolean;
  /** Made by `createTraceRegion`: all threads note in it when they worked on which stage. */
  readonly trace?: SharedArrayBuffer;
  /** Bugs put back by a test (TEST_SWITCH_*), in force from the start of recovery. */
  readonly testSwitches?: number;
  /** Where shared memory comes from: a test that opens very often uses its own again. */
  readonly allocate?: AllocateShared | undefined;
}

/** Segments kept ready for a burst, as a share of `walBytesMax`. */
const SEGMENTS_AHEAD_SHARE = 1 / 4;
/**
 * But not more: 32 MiB by default, what a fast writer fills while a checkpoint's longest sync keeps
 * apply worker 0. More would only be memory and disk space that nobody writes to.
 */
const SEGMENTS_AHEAD_MAX = 4;
/** Share of the frames whose being dirty starts a checkpoint. */
const CHECKPOINT_DIRTY_SHARE = 0.5;

/**
 * Opens a database, or creates it.
 *
 * @param path directory, as a path or a `file:` URL
 * @throws TypeError or RangeError, at once, for wrong options
 * @throws ManifoldError `ERR_MANIFOLD_LOCKED`, `…_NOT_FOUND`, `…_EXISTS`, `…_CORRUPT`, `…_FORMAT`,
 *   `…_PERMISSION`, `…_READONLY`, `…_FULL`, `…_IO`, `…_WORKER`
 * @example
 * const db = await open('./data', { durability: 'immediate' });
 */
export function open(path: string | URL, options?: OpenOptions): Promise<Database> {
  return openWith(path, options, {});
}

/** Checks the arguments at once; everything else rejects. */
export function openWith(
  path: string | URL,
  options: OpenOptions | undefined,
  environment: OpenEnvironment,
): Promise<ManifoldDatabase> {
  const directory = absolutePath(path);
  const checked = checkOpenOptions(options);
  const sized = { ...checked, options: { ...checked.options, ...environment.sizes } };
  return openChecked(directory, sized, environment);
}

async function openChecked(
  directory: string,
  checked: CheckedOpenOptions,
  environment: OpenEnvironment,
): Promise<ManifoldDatabase> {
  checked.signal?.throwIfAborted();
  const vfs = environment.vfs ?? createVfs(environment.vfsSpec ?? { kind: 'real' });
  const host = environment.host ?? new ThreadHost();
  let lock: DatabaseLock | undefined;
  try {
    requireDirectory(vfs, directory, checked.options);
    if (environment.withoutLock !== true && !checked.options.readOnly) {
      lock = acquireLock(vfs, directory);
    }
    const created = createIfAbsent(vfs, directory, checked.options);
    const options = adoptPageBytes(vfs, directory, checked);
    const recovered = recover({
      path: directory,
      options,
      vfs,
      host,
      signal: checked.signal,
      trace: environment.trace,
      testSwitches: environment.testSwitches ?? 0,
      allocate: environment.allocate,
    });
    if (created) recovered.engine.recovery = { ...recovered.engine.recovery!, created };
    return await start(recovered, lock, environment);
  } catch (error) {
    giveBack(lock);
    if (checked.options.readOnly) requireNoWriter(vfs, directory, error);
    throw openError(error, directory);
  }
}

/** Beside a writer, log and pages change while they are read: that is no damage. */
function requireNoWriter(vfs: Vfs, directory: string, error: unknown): void {
  if (!(error instanceof ManifoldError) || error.code !== 'ERR_MANIFOLD_CORRUPT') return;
  const writer = livingHolder(vfs, directory);
  if (writer === undefined) return;
  throw new ManifoldError(
    'ERR_MANIFOLD_LOCKED',
    `${directory}: process ${writer.pid} writes to the database while it is read; ` +
      'close it there, or read a backup',
    { path: directory, cause: error },
  );
}

/** What went wrong first is what the caller hears of. */
function giveBack(lock: DatabaseLock | undefined): void {
  try {
    lock?.release();
  } catch {
    // The lock is not ours any more, whether its file is there or not.
  }
}

/** The directory is made when it may be; a read-only open needs it. */
function requireDirectory(vfs: Vfs, directory: string, options: OptionsInForce): void {
  if (vfs.exists(directory)) return;
  if (!options.createIfMissing) throw notFoundError(directory);
  vfs.makeDirectory(directory);
}

function createIfAbsent(vfs: Vfs, directory: string, options: OptionsInForce): boolean {
  if (databaseState(vfs, directory) === 'present') {
    if (options.errorIfExists) throw existsError(directory);
    return false;
  }
  if (!options.createIfMissing) throw notFoundError(directory);
  syncNamesAbove(vfs, directory);
  createDatabaseFiles(vfs, directory, {
    pageBytes: options.pageBytes,
    walSegmentBytes: options.walSegmentBytes,
    databaseId: randomBytes(DATABASE_ID_BYTES),
    createdAtMs: Date.now(),
  });
  return true;
}

/** An existing database keeps the page size it was created with. */
function adoptPageBytes(
  vfs: Vfs,
  directory: string,
  { options, pageBytesGiven }: CheckedOpenOptions,
): OptionsInForce {
  const path = join(directory, DATA_FILE_NAME);
  const file = vfs.open(path, 'read');
  try {
    const { pageBytes } = readMetas(file, path).meta;
    if (pageBytesGiven && pageBytes !== options.pageBytes) {
      throw new ManifoldError(
        'ERR_MANIFOLD_FORMAT',
        `${directory}: the database has pages of ${pageBytes} bytes, not ${options.pageBytes}; ` +
          'leave pageBytes out',
        { path },
      );
    }
    return withPageBytes(options, pageBytes);
  } finally {
    file.close();
  }
}

async function start(
  recovered: Recovered,
  lock: DatabaseLock | undefined,
  environment: OpenEnvironment,
): Promise<ManifoldDatabase> {
  const { engine } = recovered;
  try {
    const database = new ManifoldDatabase(engine, lock, sideFiles(environment));
    database.pipeline.applier.syncedView.start(admittedRows(engine), engine.lastCommitted);
    database.pipeline.versions?.start();
    if (engine.options.readOnly) {
      publishReplayed(recovered);
      return database;
    }
    const spec = environment.vfsSpec ?? { kind: 'real' };
    const { wal, apply } = workerInits(recovered, spec, lock?.nonce);
    await engine.host.start(engine.shared, wal, apply);
    engine.hasWorkers = true;
    pushReplayed(recovered);
    return database;
  } catch (error) {
    engine.pager.file?.close();
    throw error;
  }
}

function sideFiles({ vfs, vfsSpec }: OpenEnvironment): SideFiles | undefined {
  if (vfs !== undefined) return { vfs };
  return vfsSpec === undefined ? undefined : { vfsSpec };
}

function workerInits(
  recovered: Recovered,
  vfs: VfsSpec,
  lockNonce: string | undefined,
): { wal: WalInit; apply: ApplyInit[] } {
  const { engine, buffers, checkpoint, scan } = recovered;
  const { options } = engine;
  const base = {
    buffers,
    directory: engine.path,
    vfs,
    databaseId: engine.databaseId,
    lockNonce,
  };
  const wal = {
    ...base,
    segmentNumber: recovered.segmentNumber,
    offset: recovered.offset,
    lastSequence: scan.lastSequence,
    lastTimestampMs: scan.tail.timestampMs,
  };
  const segments = options.walBytesMax / options.walSegmentBytes;
  const segmentsAhead = Math.floor(segments * SEGMENTS_AHEAD_SHARE);
  const apply = Array.from({ length: options.workers.apply }, (_, workerIndex) => ({
    ...base,
    workerIndex,
    applier: publishesItself(options.mode) ? ('main' as const) : ('worker' as const),
    meta: checkpoint.meta,
    obsoleteSegments: recovered.obsoleteSegments,
    segmentsAheadTarget: Math.min(SEGMENTS_AHEAD_MAX, Math.max(2, segmentsAhead)),
    checkpointIntervalMs: options.checkpointIntervalMs,
    dirtyShareMax: CHECKPOINT_DIRTY_SHARE,
    seededBelow: recovered.seededBelow,
  }));
  return { wal, apply };
}

/** Whether root sets are published by this thread, not by apply worker 0. */
function publishesItself(mode: CommitMode): boolean {
  return mode === 'sequential' || mode === 'async-wal';
}

/** Hands the replayed changes to the apply workers; they are durable in the log already. */
function pushReplayed({ engine, pending }: Recovered): void {
  if (pending === undefined) return;
  const producer = new QueueProducer(engine.shared);
  if (!producer.push(pending)) {
    engine.host.waitUntil(() => engine.hasFailed || producer.push(pending), REASON_ANY);
  }
  if (publishesItself(engine.mode)) {
    publishNewest(engine.shared, engine.lastCommitted, pending.mark);
  }
}

/** Read-only: no worker publishes anything, what was replayed is all there will be. */
function publishReplayed({ engine, pending }: Recovered): void {
  const { progress } = engine.shared;
  for (const word of [PROGRESS_APPENDED, PROGRESS_WRITTEN, PROGRESS_SYNCED]) {
    storeWide(progress, word, engine.lastCommitted);
  }
  if (pending !== undefined) publishNewest(engine.shared, engine.lastCommitted, pending.mark);
}

function publishNewest(
  shared: Recovered['engine']['shared'],
  sequence: number,
  mark: number,
): void {
  publishRootSet(shared, ROOTS_ADMITTED, sequence, mark);
  storeWide(shared.progress, PROGRESS_APPLIED, sequence);
}

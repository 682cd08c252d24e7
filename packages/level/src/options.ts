/**
 * Options: those of the engine among the ones a program passes, and what `sync` means. Main thread.
 */
import type { CommitOptions, OpenOptions } from '@manifold-db/core';
import type { AbstractDatabaseOptions, AbstractOpenOptions } from 'abstract-level';

/**
 * What `{ sync: false }`, LevelDB's default, promises: the write survives the death of the process,
 * and a loss of power only once the operating system has written it back.
 */
const DURABILITY_DEFAULT = 'async';

type EngineOptionName = keyof OpenOptions;

/** A record, so that the compiler misses an option that is new in the engine. */
const ENGINE_OPTIONS: Readonly<Record<EngineOptionName, true>> = {
  mode: true,
  durability: true,
  workers: true,
  createIfMissing: true,
  errorIfExists: true,
  readOnly: true,
  pageBytes: true,
  cacheBytes: true,
  writeBufferBytes: true,
  writeBufferCount: true,
  walRingBytes: true,
  walSegmentBytes: true,
  walBytesMax: true,
  pendingBytesMax: true,
  pendingCommitsMax: true,
  checkpointIntervalMs: true,
  signal: true,
};

/**
 * Options of the engine, beside those of abstract-level. Options of LevelDB that have no
 * counterpart (`compression`, `cacheSize`, `writeBufferSize`, …) are accepted and have no effect.
 */
export interface ManifoldOptions
  extends Omit<OpenOptions, 'createIfMissing' | 'errorIfExists'>, LevelDbOptions {}

/** Tuning of LevelDB, for programs that come from `level`. Without effect. */
export interface LevelDbOptions {
  compression?: boolean | undefined;
  cacheSize?: number | undefined;
  writeBufferSize?: number | undefined;
  blockSize?: number | undefined;
  maxOpenFiles?: number | undefined;
  blockRestartInterval?: number | undefined;
  maxFileSize?: number | undefined;
  multithreading?: boolean | undefined;
}

/** Options of the constructor. */
export interface DatabaseOptions<K, V> extends AbstractDatabaseOptions<K, V>, ManifoldOptions {}

/** Options of `open`; they go before those of the constructor. */
export interface OpenDatabaseOptions extends AbstractOpenOptions, ManifoldOptions {}

/** For `put`, `del`, `batch` and the `write` of a chained batch. */
export interface WriteOptions {
  /**
   * `true`: the promise resolves once the write survives a loss of power. `false`: once it survives
   * the death of the process. Default: the `durability` that the database was opened with, which
   * is that of `false` unless said otherwise.
   */
  sync?: boolean | undefined;
}

/** The options of the engine's `open` among all that were passed. */
export function engineOptions(given: Readonly<Record<string, unknown>>): OpenOptions {
  const options: Record<string, unknown> = { durability: DURABILITY_DEFAULT };
  for (const name of Object.keys(ENGINE_OPTIONS)) {
    if (given[name] !== undefined) options[name] = given[name];
  }
  // abstract-level turns a missing createIfMissing into true.
  if (options['readOnly'] === true) options['createIfMissing'] = false;
  return options;
}

const SYNC: CommitOptions = { durability: 'immediate' };
const NO_SYNC: CommitOptions = { durability: 'async' };

/** The options of a commit; none for the default, which is the engine's fastest way. */
export function commitOptions(options: object): CommitOptions | undefined {
  const { sync } = options as WriteOptions;
  if (sync === undefined || sync === null) return undefined;
  return sync ? SYNC : NO_SYNC;
}

/**
 * `@manifold-db/level`: the interface of `level`, on the Manifold engine.
 *
 * @example
 * import { Level } from '@manifold-db/level';
 *
 * const db = new Level('./data', { valueEncoding: 'json' });
 * await db.put('ada', { born: 1815 });
 */
export { ManifoldLevel } from './level.js';
/** The name under which `level` exports its database. */
export { ManifoldLevel as Level } from './level.js';
export { LevelError, type LevelErrorCode } from './errors.js';
export type { ChainedBatch } from './batch.js';
export type { StartEndOptions } from './level.js';
export type {
  DatabaseOptions,
  LevelDbOptions,
  ManifoldOptions,
  OpenDatabaseOptions,
  WriteOptions,
} from './options.js';

/**
 * Manifold for Node: an embedded, durable, ordered key-value storage engine.
 *
 * @example
 * import { open } from '@manifold-db/core';
 *
 * const db = await open('./data');
 * await db.put('hello', 'world');
 * db.get('hello'); // 'world'
 * await db.close();
 */
export { open } from './open.js';
export { CommitStage } from './commit.js';
export { setWorkerUrls } from './supervise/worker-urls.js';
export { ManifoldError, type ManifoldErrorCode } from '@manifold-db/storage';
export type * from './types.js';

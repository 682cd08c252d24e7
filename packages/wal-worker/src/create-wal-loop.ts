/** Puts a loop together from its description: in the worker, or in the one-thread scheduler. */
import { attachShared, createVfs, type Vfs } from '@manifold-db/storage';
import type { WalEnvironment, WalWorkerInit } from './init.js';
import { WalLoop } from './wal-loop.js';

/**
 * `vfs` stands in for `init.vfs`: a simulated disk has no description. Throws what opening the
 * first segment throws.
 */
export function createWalLoop(
  init: WalWorkerInit,
  vfs: Vfs = createVfs(init.vfs),
  environment: WalEnvironment = {},
): WalLoop {
  const shared = attachShared(init.buffers);
  const context = {
    vfs,
    directory: init.directory,
    databaseId: init.databaseId,
    segmentBytes: init.buffers.sizes.walSegmentBytes,
  };
  return new WalLoop(shared, context, init, environment);
}

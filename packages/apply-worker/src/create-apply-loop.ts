/** Puts a loop together from its description: in the worker, or in the one-thread scheduler. */
import { createVfs, type ApplyInit, type Vfs } from '@manifold-db/storage';
import { ApplyLoop } from './apply-loop.js';
import { createContext, type ApplyEnvironment } from './context.js';
import { PeerLoop } from './peer-loop.js';

/**
 * `vfs` stands in for `init.vfs`: a simulated disk has no description. Throws what opening and
 * reading the data file throws.
 */
export function createApplyLoop(
  init: ApplyInit,
  vfs: Vfs = createVfs(init.vfs),
  environment: ApplyEnvironment = {},
): ApplyLoop | PeerLoop {
  if (init.workerIndex > 0) return new PeerLoop(init);
  const context = createContext(init, vfs, environment);
  try {
    return new ApplyLoop(context);
  } catch (error) {
    context.dataFile.close();
    throw error;
  }
}

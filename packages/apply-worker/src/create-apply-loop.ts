/** Puts a loop together from its description: in the worker, or in the one-thread scheduler. */
import type { ApplyInit } from '@manifold-db/storage';
import { ApplyLoop } from './apply-loop.js';
import { createContext, type ApplyEnvironment } from './context.js';
import { PeerLoop } from './peer-loop.js';

/** Throws what opening and reading the data file throws. */
export function createApplyLoop(
  init: ApplyInit,
  environment: ApplyEnvironment = {},
): ApplyLoop | PeerLoop {
  if (init.workerIndex > 0) return new PeerLoop(init);
  const context = createContext(init, environment);
  try {
    return new ApplyLoop(context);
  } catch (error) {
    context.dataFile.close();
    throw error;
  }
}

/**
 * One run of the ladder in a process of its own, on a fresh database: first a lead-in that is not
 * counted, so that every thread's code is compiled, then the run that counts.
 */
import { withFreshStore } from '../fresh-store.js';
import { serveIsolated } from '../isolated.js';
import { BUFFER_BYTES, CACHE_BYTES } from '../sizes.js';
import { FAMILIES, type RunMeasures, type RunParameters } from './run.js';
import { measure } from './workload.js';

serveIsolated((parameters: RunParameters): Promise<RunMeasures> => {
  const { batchOps, leadInBatchesPerFamily, batchesPerFamily } = parameters;
  const sizes = { families: FAMILIES, cacheBytes: CACHE_BYTES, bufferBytes: BUFFER_BYTES };
  return withFreshStore({ ...parameters, ...sizes }, (store) => {
    return measure(store, batchOps, leadInBatchesPerFamily, batchesPerFamily);
  });
});

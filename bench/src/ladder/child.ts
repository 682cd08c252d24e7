/**
 * One run of the ladder in a process of its own: first a discarded run of the same length on
 * another database, so that the code is compiled, then the run that counts on a fresh one. The
 * first database stays open meanwhile: with its last object V8 would drop what it has learned, and
 * compile everything once more in the run that counts. Its memory is taken off again.
 */
import { openStore } from '../engines/open-store.js';
import { serveIsolated } from '../isolated.js';
import { withScratch } from '../scratch.js';
import { BUFFER_BYTES, CACHE_BYTES } from '../sizes.js';
import { FAMILIES, type RunMeasures, type RunParameters } from './run.js';
import { measure } from './workload.js';

/** Runs the workload, then `meanwhile` before the database is closed. */
async function runOnce<T>(
  parameters: RunParameters,
  meanwhile: (measures: RunMeasures) => Promise<T> | T,
): Promise<T> {
  return withScratch(parameters.directory, async (directory) => {
    const store = await openStore({
      ...parameters,
      directory,
      families: FAMILIES,
      cacheBytes: CACHE_BYTES,
      bufferBytes: BUFFER_BYTES,
    });
    const { batchOps, leadInBatchesPerFamily, batchesPerFamily } = parameters;
    const measures = await measure(store, batchOps, leadInBatchesPerFamily, batchesPerFamily);
    const result = await meanwhile(measures);
    await store.close();
    return result;
  });
}

serveIsolated((parameters: RunParameters): Promise<RunMeasures> => {
  const bareRssBytes = process.memoryUsage.rss();
  return runOnce({ ...parameters, addedSyncLatencyUs: 0 }, () => {
    const discardedRssBytes = process.memoryUsage.rss() - bareRssBytes;
    return runOnce(parameters, (measures) => ({
      ...measures,
      peakRssBytes: measures.peakRssBytes - discardedRssBytes,
    }));
  });
});

/**
 * One run of the ladder in a process of its own: first a discarded run of the same length on
 * another database, so that the code is compiled, then the run that counts on a fresh one. The
 * first database stays open meanwhile: with its last object V8 would drop what it has learned, and
 * compile everything once more in the run that counts. Its memory is taken off again.
 */
import { serveIsolated } from '../isolated.js';
import { withScratch } from '../scratch.js';
import type { RunMeasures, RunParameters } from './run.js';
import { measure, type Target } from './workload.js';

/** The module of an engine is loaded only where it is measured. */
async function openTarget(directory: string, parameters: RunParameters): Promise<Target> {
  if (parameters.engine === 'lmdb') {
    return (await import('./lmdb-target.js')).openLmdbTarget(directory, parameters);
  }
  return (await import('./manifold-target.js')).openManifoldTarget(directory, parameters);
}

/** Runs the workload, then `meanwhile` before the database is closed. */
async function runOnce<T>(
  parameters: RunParameters,
  meanwhile: (measures: RunMeasures) => Promise<T> | T,
): Promise<T> {
  return withScratch(parameters.directory, async (directory) => {
    const target = await openTarget(directory, parameters);
    const { batchOps, leadInBatchesPerFamily, batchesPerFamily } = parameters;
    const measures = await measure(target, batchOps, leadInBatchesPerFamily, batchesPerFamily);
    const result = await meanwhile(measures);
    await target.close();
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

/**
 * One run of the ladder in a process of its own: first a discarded run on another database, so that
 * the code is compiled, then the run that counts on a fresh one.
 */
import { serveIsolated } from '../isolated.js';
import { withScratch } from '../scratch.js';
import { FAMILIES, type RunMeasures, type RunParameters } from './run.js';
import { measure, type Target } from './workload.js';

/** The discarded run is this long, whatever the size of a batch. */
const WARM_UP_OPS = 120_000;
const WARM_UP_BATCHES_MAX = 2_400;

/** The module of an engine is loaded only where it is measured. */
async function openTarget(directory: string, parameters: RunParameters): Promise<Target> {
  if (parameters.engine === 'lmdb') {
    return (await import('./lmdb-target.js')).openLmdbTarget(directory, parameters);
  }
  return (await import('./manifold-target.js')).openManifoldTarget(directory, parameters);
}

function warmUpBatches(batchOps: number): number {
  const batches = Math.min(WARM_UP_BATCHES_MAX, WARM_UP_OPS / batchOps);
  return Math.max(1, Math.round(batches / FAMILIES));
}

function runOnce(parameters: RunParameters): Promise<RunMeasures> {
  return withScratch(parameters.directory, async (directory) => {
    const target = await openTarget(directory, parameters);
    const { batchOps, leadInBatchesPerFamily, batchesPerFamily } = parameters;
    const measures = await measure(target, batchOps, leadInBatchesPerFamily, batchesPerFamily);
    await target.close();
    return measures;
  });
}

serveIsolated(async (parameters: RunParameters): Promise<RunMeasures> => {
  const batchesPerFamily = Math.min(
    warmUpBatches(parameters.batchOps),
    parameters.batchesPerFamily,
  );
  await runOnce({ ...parameters, addedSyncLatencyUs: 0, batchesPerFamily });
  return runOnce(parameters);
});

/**
 * One run of the suite `seed` in a process of its own: first a discarded burst on another database,
 * then the run that counts on a fresh one. The first stays open meanwhile, as in the ladder.
 */
import { openStore } from '../engines/open-store.js';
import type { Store } from '../engines/store.js';
import { serveIsolated } from '../isolated.js';
import { FAMILIES } from '../ladder/run.js';
import { SeedWorkload } from '../ladder/workload.js';
import { latencyFigures } from '../latencies.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';
import type { Measures } from '../rounds.js';
import { withScratch } from '../scratch.js';
import { BUFFER_BYTES, CACHE_BYTES } from '../sizes.js';
import type { SeedParameters } from './run.js';

const MS_PER_SECOND = 1e3;

function withStore<T>(parameters: SeedParameters, use: (store: Store) => Promise<T>): Promise<T> {
  return withScratch(parameters.directory, async (directory) => {
    const store = await openStore({
      ...parameters,
      directory,
      families: FAMILIES,
      cacheBytes: CACHE_BYTES,
      bufferBytes: BUFFER_BYTES,
      addedSyncLatencyUs: 0,
    });
    const result = await use(store);
    await store.close();
    return result;
  });
}

async function measure(store: Store, parameters: SeedParameters): Promise<Measures> {
  const { batchOps, batchesPerFamily, phase, order } = parameters;
  const workload = new SeedWorkload(store, batchOps, order);
  const isSustained = phase === 'sustained';
  resetPeakResident();
  const started = performance.now();
  const latenciesUs = await workload.run(batchesPerFamily);
  const acknowledgedMs = performance.now() - started;
  if (isSustained) await store.finish();
  const elapsedMs = performance.now() - started;
  const ops = latenciesUs.length * batchOps;
  return {
    facts: store.facts,
    figures: {
      opsPerSecond: (ops / elapsedMs) * MS_PER_SECOND,
      ...latencyFigures(latenciesUs),
      elapsedMs,
      ...(isSustained && { finishMs: elapsedMs - acknowledgedMs }),
      peakRssBytes: peakResidentBytes(),
    },
    notes: isSustained ? { finishedMeans: store.finishedMeans } : undefined,
  };
}

serveIsolated((parameters: SeedParameters): Promise<Measures> => {
  return withStore(parameters, async (discarded) => {
    const { batchOps, warmUpBatchesPerFamily, order } = parameters;
    await new SeedWorkload(discarded, batchOps, order).run(warmUpBatchesPerFamily);
    await discarded.settle();
    return withStore(parameters, (store) => measure(store, parameters));
  });
});

/**
 * One run of the suite `seed` in a process of its own, on a fresh database: first a lead-in that is
 * not counted, and everything that follows from it, then the run that counts. Without the lead-in,
 * the burst measures how long a new thread's code takes to be compiled.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../engines/store.js';
import { withFreshStore } from '../fresh-store.js';
import { serveIsolated } from '../isolated.js';
import { FAMILIES } from '../ladder/run.js';
import { SeedWorkload } from '../ladder/workload.js';
import { latencyFigures } from '../latencies.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';
import type { Measures } from '../rounds.js';
import { BUFFER_BYTES, CACHE_BYTES } from '../sizes.js';
import type { SeedParameters } from './run.js';

const MS_PER_SECOND = 1e3;
/** Between the lead-in and the run that counts. */
const REST_MS = 1000;

async function measure(store: Store, parameters: SeedParameters): Promise<Measures> {
  const { batchOps, batchesPerFamily, phase, order } = parameters;
  const workload = new SeedWorkload(store, batchOps, order);
  await workload.run(parameters.leadInBatchesPerFamily);
  await store.settle();
  // Compactions of peers go on by themselves: nobody tells when they are done.
  await sleep(REST_MS);
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
  const sizes = { families: FAMILIES, cacheBytes: CACHE_BYTES, bufferBytes: BUFFER_BYTES };
  const request = { ...parameters, ...sizes, addedSyncLatencyUs: 0 };
  return withFreshStore(request, (store) => measure(store, parameters));
});

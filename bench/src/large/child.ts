/** One run of the suite `large` in a process of its own: a load, then single random reads. */
import type { ManifoldStore } from '../engines/manifold-store.js';
import { openStore } from '../engines/open-store.js';
import type { Store } from '../engines/store.js';
import { serveIsolated } from '../isolated.js';
import { latencyFigures } from '../latencies.js';
import { loadOrder } from '../loading.js';
import { measuredLoad } from '../measured-load.js';
import { Records } from '../records.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';
import type { Measures } from '../rounds.js';
import { withScratch } from '../scratch.js';
import { sumBytes } from '../sum.js';
import type { LargeMeasures, LargeParameters } from './run.js';

const READ_SEED = 5;
const US_PER_MS = 1e3;
const MS_PER_SECOND = 1e3;

async function measuredGets(store: Store, keys: readonly Buffer[]): Promise<Measures> {
  const latenciesUs = new Float64Array(keys.length);
  let bytesSum = 0;
  resetPeakResident();
  const first = performance.now();
  let started = first;
  for (let i = 0; i < keys.length; i++) {
    const found = store.get(keys[i]!);
    const value = found instanceof Promise ? await found : found;
    if (value === undefined) throw new Error(`record ${keys[i]!.toString()} was not found`);
    bytesSum += sumBytes(value);
    const ended = performance.now();
    latenciesUs[i] = (ended - started) * US_PER_MS;
    started = ended;
  }
  const elapsedMs = started - first;
  return {
    facts: store.facts,
    figures: {
      opsPerSecond: (keys.length / elapsedMs) * MS_PER_SECOND,
      ...latencyFigures(latenciesUs),
      peakRssBytes: peakResidentBytes(),
    },
    notes: { bytesSum },
  };
}

/** How far resident memory is above what the options add up to. */
function withConfigured(measures: Measures, store: Store, bareRssBytes: number): Measures {
  const { database } = store as ManifoldStore;
  const configuredBytes = database.stats().memory.totalBytes;
  const aboveConfiguredAndBareBytes =
    measures.figures['peakRssBytes']! - bareRssBytes - configuredBytes;
  return {
    ...measures,
    figures: { ...measures.figures, configuredBytes, aboveConfiguredAndBareBytes },
  };
}

serveIsolated((parameters: LargeParameters): Promise<LargeMeasures> => {
  const records = new Records(parameters.count);
  const order = loadOrder(records);
  const keys = records.sample(parameters.reads, READ_SEED, true);
  return withScratch(parameters.directory, async (directory) => {
    resetPeakResident();
    const bareRssBytes = process.memoryUsage.rss();
    const sizes = { families: 1, addedSyncLatencyUs: 0 };
    const store = await openStore({ ...parameters, ...sizes, directory });
    const load = await measuredLoad(store, directory, records, order);
    const get = await measuredGets(store, keys);
    const isOurs = parameters.engine === 'manifold';
    const complete = (measures: Measures) => {
      return isOurs ? withConfigured(measures, store, bareRssBytes) : measures;
    };
    const result = { load: complete(load), get: complete(get) };
    await store.close();
    return result;
  });
});

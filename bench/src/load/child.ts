/**
 * One run of the suite `load` in a process of its own: first a discarded load of a tenth into
 * another database, which stays open meanwhile, then the load that counts.
 */
import { withFreshStore } from '../fresh-store.js';
import { serveIsolated } from '../isolated.js';
import { loadOrder, loadRecords } from '../loading.js';
import { measuredLoad } from '../measured-load.js';
import { Records } from '../records.js';
import type { Measures } from '../rounds.js';
import { BUFFER_BYTES } from '../sizes.js';
import type { Subject } from '../subject.js';

const WARM_UP_SHARE = 0.1;

export interface LoadParameters extends Subject {
  readonly count: number;
  readonly cacheBytes: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

serveIsolated((parameters: LoadParameters): Promise<Measures> => {
  const records = new Records(parameters.count);
  const order = loadOrder(records);
  const sizes = { families: 1, bufferBytes: BUFFER_BYTES, addedSyncLatencyUs: 0 };
  const request = { ...parameters, ...sizes };
  return withFreshStore(request, async (discarded) => {
    await loadRecords(discarded, new Records(Math.ceil(parameters.count * WARM_UP_SHARE)));
    await discarded.finish();
    return withFreshStore(request, (store, directory) => {
      return measuredLoad(store, directory, records, order);
    });
  });
});

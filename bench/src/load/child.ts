/**
 * One run of the suite `load` in a process of its own: first a discarded load of a tenth into
 * another database, which stays open meanwhile, then the load that counts.
 */
import { openStore } from '../engines/open-store.js';
import type { Store } from '../engines/store.js';
import { serveIsolated } from '../isolated.js';
import { loadOrder, loadRecords } from '../loading.js';
import { measuredLoad } from '../measured-load.js';
import { Records } from '../records.js';
import type { Measures } from '../rounds.js';
import { withScratch } from '../scratch.js';
import { BUFFER_BYTES } from '../sizes.js';
import type { Subject } from '../subject.js';

const WARM_UP_SHARE = 0.1;

export interface LoadParameters extends Subject {
  readonly count: number;
  readonly cacheBytes: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

function withStore<T>(
  parameters: LoadParameters,
  use: (store: Store, directory: string) => Promise<T>,
): Promise<T> {
  return withScratch(parameters.directory, async (directory) => {
    const sizes = { families: 1, bufferBytes: BUFFER_BYTES, addedSyncLatencyUs: 0 };
    const store = await openStore({ ...parameters, ...sizes, directory });
    const result = await use(store, directory);
    await store.close();
    return result;
  });
}

serveIsolated((parameters: LoadParameters): Promise<Measures> => {
  const records = new Records(parameters.count);
  const order = loadOrder(records);
  return withStore(parameters, async (discarded) => {
    await loadRecords(discarded, new Records(Math.ceil(parameters.count * WARM_UP_SHARE)));
    await discarded.finish();
    return withStore(parameters, (store, directory) => {
      return measuredLoad(store, directory, records, order);
    });
  });
});

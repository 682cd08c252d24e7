/** A store that holds its records, for suites that measure what comes after a load. */
import { openStore } from './engines/open-store.js';
import type { Store } from './engines/store.js';
import { loadRecords } from './loading.js';
import { Records } from './records.js';
import { ALL_IN_MEMORY_BYTES, BUFFER_BYTES } from './sizes.js';
import type { Subject } from './subject.js';

export interface LoadedParameters extends Subject {
  readonly count: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

/** Opens what is there already, or creates it. */
export function openForRecords(parameters: LoadedParameters): Promise<Store> {
  return openStore({
    ...parameters,
    families: 1,
    cacheBytes: ALL_IN_MEMORY_BYTES,
    bufferBytes: BUFFER_BYTES,
    addedSyncLatencyUs: 0,
  });
}

export async function openLoaded(
  parameters: LoadedParameters,
): Promise<{ store: Store; records: Records }> {
  const store = await openForRecords(parameters);
  const records = new Records(parameters.count);
  await loadRecords(store, records);
  await store.finish();
  return { store, records };
}

/** The processes of the suite `open`: one loads and closes, the others open and read one record. */
import { loadEngine } from '../engines/open-store.js';
import { serveIsolated } from '../isolated.js';
import { openForRecords, openLoaded, type LoadedParameters } from '../loaded-store.js';
import { Records } from '../records.js';
import type { Measures } from '../rounds.js';

export interface OpenParameters extends LoadedParameters {
  readonly isPreparation: boolean;
}

async function prepare(parameters: OpenParameters): Promise<undefined> {
  const { store } = await openLoaded(parameters);
  await store.close();
  return undefined;
}

async function reopen(parameters: OpenParameters): Promise<Measures> {
  const key = new Records(parameters.count).key(parameters.count >>> 1);
  await loadEngine(parameters.engine);
  const started = performance.now();
  const store = await openForRecords(parameters);
  const openMs = performance.now() - started;
  const value = await store.get(key);
  const firstReadMs = performance.now() - started;
  if (value === undefined) throw new Error('a record is missing');
  await store.close();
  return { facts: store.facts, figures: { openMs, firstReadMs } };
}

serveIsolated((parameters: OpenParameters): Promise<Measures | undefined> => {
  return parameters.isPreparation ? prepare(parameters) : reopen(parameters);
});

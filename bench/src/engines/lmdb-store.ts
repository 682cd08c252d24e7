/**
 * lmdb-js under the suites, in the way its documentation recommends for throughput: asynchronous
 * `batch` and `put`, everything at its defaults, binary keys and values.
 *
 * Its promises resolve when the writes are visible. With `overlappingSync`, the default except on
 * Windows, the sync comes after that, and `flushed` tells when it is over; so that is what
 * `immediate` waits for. `async` opens with `noSync`.
 */
import { open, type Database, type RootDatabase } from 'lmdb';
import { sumBytes } from '../sum.js';
import type { Puts, ScanRange, Store, StoreRequest } from './store.js';
import { versionOf } from './versions.js';

type Family = Database<Buffer, Buffer>;

/** What `put` gives with `separateFlushed`; not in the package's types. */
type Written = Promise<boolean> & { readonly flushed?: Promise<unknown> };

const ENCODINGS = { keyEncoding: 'binary', encoding: 'binary' } as const;

const IN_FORCE = {
  immediate: 'survives a loss of power: overlappingSync (default), `flushed` was awaited',
  async: 'survives the process: noSync, the commit was awaited',
  committed: 'survives the process: overlappingSync (default), the commit alone was awaited',
} as const;

export function openLmdbStore(request: StoreRequest): Store {
  const noSync = request.durability === 'async';
  const options = { ...ENCODINGS, noSync, separateFlushed: true };
  const root = open<Buffer, Buffer>({ path: request.directory, ...options });
  const families = Array.from({ length: request.families }, (_, index) => {
    return root.openDB<Buffer, Buffer>(`family-${index}`, ENCODINGS);
  });
  const waitsForFlush = request.durability === 'immediate';
  return {
    facts: { version: versionOf('lmdb'), options, inForce: IN_FORCE[request.durability] },
    commit: (index, puts) => commit(families[index]!, puts, waitsForFlush),
    put: (key, value) => put(families[0]!, key, value, waitsForFlush),
    ...readsOf(families[0]!),
    settle: () => flushed(root),
    finishedMeans: noSync
      ? 'all committed, in place; nothing is flushed'
      : '`flushed`: all committed, in place, and synced',
    finish: () => flushed(root),
    close: () => root.close(),
  };
}

async function flushed(root: RootDatabase<Buffer, Buffer>): Promise<void> {
  await root.committed;
  await root.flushed;
}

async function commit(family: Family, puts: Puts, waitsForFlush: boolean): Promise<void> {
  const committed = family.batch(() => {
    for (let i = 0; i < puts.ops; i++) void family.put(puts.nextKey(), puts.value());
  });
  // Asked for at once: later it would be the flush of a later batch.
  const durable = waitsForFlush && new Promise((resolve) => family.flushed.then(resolve));
  await committed;
  await durable;
}

function put(family: Family, key: Buffer, value: Buffer, waitsForFlush: boolean): Promise<unknown> {
  const written = family.put(key, value) as Written;
  if (!waitsForFlush) return written;
  if (written.flushed === undefined) throw new Error('lmdb-js did not say when it has flushed');
  return written.flushed;
}

function readsOf(family: Family) {
  return {
    getName: 'get',
    get: (key: Buffer) => family.get(key),
    getFastName: 'getBinaryFast',
    getFast: (key: Buffer) => family.getBinaryFast(key),
    getMany: (keys: readonly Buffer[]) => family.getMany([...keys]),
    scan: (range: ScanRange) => scan(family, range),
  };
}

function scan(family: Family, range: ScanRange): number {
  let sum = 0;
  for (const { key, value } of family.getRange(range)) sum += key.length + sumBytes(value);
  return sum;
}

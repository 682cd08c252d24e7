/** Manifold under the suites. */
import type { ColumnFamily, Durability, OpenOptions } from '@manifold-db/core';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import { sumBytes } from '../sum.js';
import { openManifold, stageTotals } from './manifold.js';
import type { Puts, ScanRange, Store, StoreRequest } from './store.js';
import { versionOf } from './versions.js';

/** The engine's default number of generations. */
const WRITE_BUFFER_COUNT = 4;

type Family = ColumnFamily<Buffer, Buffer>;

export interface ManifoldStore extends Store {
  readonly database: ManifoldDatabase;
}

export async function openManifoldStore(request: StoreRequest): Promise<ManifoldStore> {
  const { directory, durability, cacheBytes, bufferBytes } = request;
  const options = {
    cacheBytes,
    writeBufferBytes: bufferBytes / WRITE_BUFFER_COUNT,
    writeBufferCount: WRITE_BUFFER_COUNT,
    durability: durability as Durability,
    ...request.openOptions,
    mode: request.mode,
  } as OpenOptions;
  const database = await openManifold(directory, options, request.addedSyncLatencyUs);
  return storeOf(database, request);
}

function inForce({ durability }: StoreRequest): string {
  return durability === 'immediate'
    ? "survives a loss of power: 'immediate', the log was written and fdatasync returned"
    : "survives the process: 'async', the log was written, not synced";
}

function storeOf(database: ManifoldDatabase, request: StoreRequest): ManifoldStore {
  const families = Array.from({ length: request.families }, (_, index) => {
    return database.columnFamily<Buffer, Buffer>(`family-${index}`, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
  });
  const first = families[0]!;
  const { options } = database.stats();
  return {
    database,
    facts: {
      version: versionOf('manifold'),
      options: { ...options },
      inForce: inForce(request),
    },
    commit: (index, puts) => commit(database, families[index]!, puts),
    put: (key, value) => first.put(key, value),
    putSync: (key, value) => {
      database.writeSync((tx) => tx.put(first, key, value));
    },
    getName: 'get',
    get: (key) => first.get(key),
    getMany: (keys) => first.getMany(keys),
    scan: (range) => scan(first, range),
    settle: async () => {
      await database.waitForSync();
      await database.waitForApply();
    },
    finishedMeans: 'checkpoint(): all in the trees, pages and meta page synced',
    finish: () => database.checkpoint(),
    totals: () => stageTotals(database),
    close: () => database.close(),
  };
}

function commit(database: ManifoldDatabase, family: Family, puts: Puts): Promise<unknown> {
  return database.write((tx) => {
    for (let i = 0; i < puts.ops; i++) tx.put(family, puts.nextKey(), puts.value());
  });
}

function scan(family: Family, { start, reverse, limit }: ScanRange): number {
  let sum = 0;
  for (const [key, value] of family.entries({ gte: start, reverse, limit })) {
    sum += key.length + sumBytes(value);
  }
  return sum;
}

/** Opens a store of any engine. The module of an engine is loaded only where it is measured. */
import { mkdirSync } from 'node:fs';
import type { EngineName } from '../arguments.js';
import { loadPeer } from './peer-module.js';
import type { MaybePromise, Store, StoreRequest } from './store.js';

type Open = (request: StoreRequest) => MaybePromise<Store>;

const OPENERS: Readonly<Record<EngineName, () => Promise<Open>>> = {
  manifold: async () => (await import('./manifold-store.js')).openManifoldStore,
  lmdb: async () => (await import('./lmdb-store.js')).openLmdbStore,
  'classic-level': async () => (await import('./classic-level-store.js')).openClassicLevelStore,
  rocksdb: async () => (await import('./rocksdb-store.js')).openRocksdbStore,
  'better-sqlite3': async () => (await import('./sqlite-store.js')).openSqliteStore,
};

/** Loads an engine's code, for whoever does not want to measure that. */
export async function loadEngine(engine: EngineName): Promise<void> {
  await OPENERS[engine]();
  if (engine !== 'manifold') await loadPeer(engine);
}

export async function openStore(request: StoreRequest): Promise<Store> {
  const open = await OPENERS[request.engine]();
  mkdirSync(request.directory, { recursive: true });
  return open(request);
}

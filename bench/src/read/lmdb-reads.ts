/** The same reads by lmdb-js, with the same encodings: binary keys, binary values. */
import { open, type Database } from 'lmdb';
import type { Records } from './data.js';
import type { ReadEngine } from './reads.js';
import { sumBytes } from './sum.js';

const LOAD_BATCH_OPS = 20_000;

type Store = Database<Buffer, Buffer>;

export function openLmdbReads(directory: string, records: Records): ReadEngine {
  const store = open<Buffer, Buffer>({
    path: directory,
    keyEncoding: 'binary',
    encoding: 'binary',
  });
  for (let first = 0; first < records.count; first += LOAD_BATCH_OPS) {
    const end = Math.min(records.count, first + LOAD_BATCH_OPS);
    store.transactionSync(() => {
      for (let i = first; i < end; i++) store.putSync(records.key(i), records.value(i));
    });
  }
  return {
    get: (keys) => readEach(store, keys),
    getFast: (keys) => readEachFast(store, keys),
    getMany: (keys, size) => readMany(store, keys, size),
    scan: (reverse) => scan(store, reverse),
    ranges: (keys, limit) => readRanges(store, keys, limit),
    close: () => store.close(),
  };
}

function readEach(store: Store, keys: readonly Buffer[]): number {
  let sum = 0;
  for (const key of keys) {
    const value = store.get(key);
    if (value !== undefined) sum += sumBytes(value);
  }
  return sum;
}

/** Values that are valid until the next read only. */
function readEachFast(store: Store, keys: readonly Buffer[]): number {
  let sum = 0;
  for (const key of keys) {
    const value = store.getBinaryFast(key);
    if (value !== undefined) sum += sumBytes(value);
  }
  return sum;
}

async function readMany(store: Store, keys: readonly Buffer[], size: number): Promise<number> {
  let sum = 0;
  for (let first = 0; first < keys.length; first += size) {
    for (const value of await store.getMany(keys.slice(first, first + size))) {
      if (value !== undefined) sum += sumBytes(value);
    }
  }
  return sum;
}

function scan(store: Store, reverse: boolean): number {
  let sum = 0;
  for (const { key, value } of store.getRange({ reverse })) sum += key.length + sumBytes(value);
  return sum;
}

function readRanges(store: Store, keys: readonly Buffer[], limit: number): number {
  let sum = 0;
  for (const start of keys) {
    for (const { key, value } of store.getRange({ start, limit })) {
      sum += key.length + sumBytes(value);
    }
  }
  return sum;
}

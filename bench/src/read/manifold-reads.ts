/** The reads of the suite, by Manifold. Each gives the sum of all bytes of all values it saw. */
import type { ColumnFamily } from '@manifold-db/core';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import { openManifold } from '../engines/manifold.js';
import type { Records } from './data.js';
import type { ReadEngine } from './reads.js';
import { sumBytes } from './sum.js';

const LOAD_BATCH_OPS = 1000;
const LOAD_IN_FLIGHT = 8;
const MIB = 2 ** 20;
/** Everything stays in memory. */
const CACHE_BYTES = 512 * MIB;

type Family = ColumnFamily<Buffer, Buffer>;

export async function openManifoldReads(
  directory: string,
  records: Records,
  openOptions: Readonly<Record<string, unknown>>,
): Promise<ReadEngine> {
  const database = await openManifold(directory, { cacheBytes: CACHE_BYTES, ...openOptions });
  const family = database.columnFamily<Buffer, Buffer>('read', {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  await load(database, family, records);
  return {
    get: (keys) => readEach(family, keys),
    getMany: (keys, size) => readMany(family, keys, size),
    scan: (reverse) => scan(family, reverse),
    ranges: (keys, limit) => readRanges(family, keys, limit),
    close: () => database.close(),
  };
}

async function load(database: ManifoldDatabase, family: Family, records: Records): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  for (let first = 0; first < records.count; first += LOAD_BATCH_OPS) {
    const end = Math.min(records.count, first + LOAD_BATCH_OPS);
    const commit = database.write((tx) => {
      for (let i = first; i < end; i++) tx.put(family, records.key(i), records.value(i));
    });
    underWay.push(commit);
    if (underWay.length >= LOAD_IN_FLIGHT) await underWay.shift();
  }
  await Promise.all(underWay);
  await database.waitForApply();
  await database.checkpoint();
}

function readEach(family: Family, keys: readonly Buffer[]): number {
  let sum = 0;
  for (const key of keys) {
    const value = family.get(key);
    if (value !== undefined) sum += sumBytes(value);
  }
  return sum;
}

function readMany(family: Family, keys: readonly Buffer[], size: number): number {
  let sum = 0;
  for (let first = 0; first < keys.length; first += size) {
    for (const value of family.getMany(keys.slice(first, first + size))) {
      if (value !== undefined) sum += sumBytes(value);
    }
  }
  return sum;
}

function scan(family: Family, reverse: boolean): number {
  let sum = 0;
  for (const [key, value] of family.entries({ reverse })) sum += key.length + sumBytes(value);
  return sum;
}

function readRanges(family: Family, keys: readonly Buffer[], limit: number): number {
  let sum = 0;
  for (const gte of keys) {
    for (const [key, value] of family.entries({ gte, limit })) sum += key.length + sumBytes(value);
  }
  return sum;
}

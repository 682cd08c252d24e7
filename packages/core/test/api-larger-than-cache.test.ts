/**
 * A database ten times larger than its cache: loaded, read at random, scanned, counted, reopened.
 */
import type { Database } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { MIB, databasePath, openSmall } from './support/api-database.js';
import { Random } from './support/api-random.js';

const CACHE_BYTES = 2 * MIB;
const ENTRIES = 64_000;
const BATCH = 500;
const OPTIONS = { cacheBytes: CACHE_BYTES };

function key(at: number): string {
  // Scattered, so that a batch touches pages everywhere.
  return String(Math.imul(at, 0x9e3779b1) >>> 0).padStart(10, '0');
}

function value(at: number): string {
  return `${at}:`.padEnd(330, 'abcdefgh');
}

async function load(db: Database): Promise<void> {
  const commits: Promise<unknown>[] = [];
  for (let from = 0; from < ENTRIES; from += BATCH) {
    const batch = db.batch();
    for (let at = from; at < from + BATCH; at++) batch.put(db.defaultFamily, key(at), value(at));
    commits.push(batch.write({ durability: 'async' }));
    if (commits.length === 8) await commits.shift();
  }
  await Promise.all(commits);
}

async function check(db: Database, random: Random): Promise<void> {
  expect(db.count()).toBe(ENTRIES);
  const order = Array.from({ length: ENTRIES }, (_, at) => at).sort((a, b) =>
    key(a) < key(b) ? -1 : 1,
  );
  for (let left = 3000; left > 0; left--) {
    const at = random.below(ENTRIES);
    if (db.get(key(at)) !== value(at)) expect.unreachable(key(at));
  }
  expect(db.get('nothing')).toBeUndefined();
  const some = Array.from({ length: 300 }, () => random.below(ENTRIES));
  const cold = await Promise.all(some.map((at) => db.getAsync(key(at))));
  expect(cold).toEqual(some.map(value));
  expect(db.getMany(some.map(key))).toEqual(some.map(value));

  let place = 0;
  for (const [found, text] of db.entries()) {
    const at = order[place++]!;
    if (found !== key(at) || text !== value(at)) expect.unreachable(found);
  }
  expect(place).toBe(ENTRIES);
  for await (const found of db.keys({ reverse: true })) {
    if (found !== key(order[--place]!)) expect.unreachable(found);
  }
  expect(place).toBe(0);
  const low = key(order[1000]!);
  const high = key(order[50_000]!);
  expect(db.count({ gte: low, lt: high })).toBe(49_000);
}

it('works at the speed its misses allow, and stays right', { timeout: 180_000 }, async () => {
  const path = databasePath();
  const random = new Random(7);
  const db = await openSmall(path, OPTIONS);
  await load(db);
  await db.checkpoint();
  const { cache } = db.stats();
  expect(cache.bytes).toBe(CACHE_BYTES);
  expect(cache.livePageCount * cache.pageBytes).toBeGreaterThan(10 * CACHE_BYTES);
  await check(db, random);
  await db.close();

  const again = await openSmall(path, OPTIONS);
  await check(again, random);
  // Changes all over a database that does not fit the memory.
  await again.write((tx) => {
    for (let at = 0; at < ENTRIES; at += 16) tx.delete(again.defaultFamily, key(at));
  });
  expect(again.count()).toBe((ENTRIES / 16) * 15);
  await again.clear({ gte: '2', lt: '4' });
  const left = again.count();
  expect(left).toBeLessThan((ENTRIES / 16) * 15);
  let walked = 0;
  for (const _key of again.keys()) walked++;
  expect(walked).toBe(left);
  expect(await again.verify()).toMatchObject({ ok: true, problems: [] });
});

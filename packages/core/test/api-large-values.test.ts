/**
 * Values far larger than a page, than the cache, than a log segment: stored, read, replaced,
 * recovered.
 */
import { createHash } from 'node:crypto';
import type { ColumnFamily, Database } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { runProgram } from './support/api-child.js';
import { MIB, databasePath, openSmall, until } from './support/api-database.js';

function bytesFamily(db: Database): ColumnFamily<string, Buffer> {
  return db.columnFamily<string, Buffer>('bytes', { valueEncoding: 'buffer' });
}

/** Bytes of which no two pages are equal. */
function pattern(bytes: number, seed: number): Buffer {
  const words = new Uint32Array(bytes / 4);
  let state = seed;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[at] = state;
  }
  return Buffer.from(words.buffer);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

it('64 MiB round-trip with a cache of 4 MiB, now and after reopening', async () => {
  const path = databasePath();
  const options = { walBytesMax: 192 * MIB };
  const value = pattern(64 * MIB, 1);
  const db = await openSmall(path, options);
  const bytes = bytesFamily(db);
  const snapshot = db.snapshot();
  await bytes.put('large', value);
  expect(digest(bytes.get('large')!)).toBe(digest(value));
  expect(digest((await bytes.getAsync('large'))!)).toBe(digest(value));
  expect(bytes.get('large', { snapshot })).toBeUndefined();
  snapshot.close();
  await db.close();

  const again = await openSmall(path);
  const [[key, read]] = [...bytesFamily(again).entries()] as [[string, Buffer]];
  expect(key).toBe('large');
  expect(digest(read)).toBe(digest(value));
  await bytesFamily(again).delete('large');
  await again.checkpoint();
  await again.checkpoint();
  // The space is used again.
  await until(() => again.stats().cache.freePageCount > (60 * MIB) / 4096);
  expect(await again.verify()).toMatchObject({ ok: true });
});

it('getAsync ends for a cold value that the cache cannot hold', async () => {
  const path = databasePath();
  const value = pattern(2 * MIB, 3);
  const db = await openSmall(path, { cacheBytes: MIB });
  await bytesFamily(db).put('large', value);
  await db.close();
  const again = await openSmall(path, { cacheBytes: MIB });
  expect(digest((await bytesFamily(again).getAsync('large'))!)).toBe(digest(value));
});

it('values of every size around the limits of pages and of overflow levels', async () => {
  const path = databasePath();
  const sizes = [0, 1, 3, 500, 1000, 1365, 2000, 4000, 4060, 4090, 4096, 8150, 12_000, 65_536];
  sizes.push(256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_400_000, 2 * MIB);
  const values = new Map(
    sizes.map((size) => [`v${size}`, pattern(size + 4, size).subarray(0, size)]),
  );
  const db = await openSmall(path);
  for (const [key, value] of values) await bytesFamily(db).put(key, value, { durability: 'async' });
  const check = (family: ColumnFamily<string, Buffer>): void => {
    for (const [key, value] of values) expect(family.get(key)!.equals(value), key).toBe(true);
    expect(family.getMany([...values.keys()]).map((read) => read!.length)).toEqual(sizes);
    expect(family.count()).toBe(sizes.length);
  };
  check(bytesFamily(db));
  // Each becomes the size of its neighbour and back.
  const keys = [...values.keys()];
  await db.write((tx) => {
    keys.forEach((key, at) => tx.put(bytesFamily(db), key, values.get(keys.at(at - 1)!)!));
  });
  await db.write((tx) => {
    for (const [key, value] of values) tx.put(bytesFamily(db), key, value);
  });
  check(bytesFamily(db));
  await db.close();
  const again = await openSmall(path);
  check(bytesFamily(again));
});

it('a transaction larger than ring and cache survives a kill, whole', async () => {
  const path = databasePath();
  const source = `
    import { open } from '@manifold-db/core';
    const MIB = 1024 * 1024;
    const db = await open(process.argv[1], {
      cacheBytes: 4 * MIB, walRingBytes: MIB, walSegmentBytes: 3 * MIB, walBytesMax: 60 * MIB,
    });
    const family = db.columnFamily('family');
    await db.write((tx) => {
      for (let at = 0; at < 20000; at++) tx.put(family, 'k' + at, at + 'x'.repeat(1000));
    });
    process.kill(process.pid, 'SIGKILL');
  `;
  expect(await runProgram(source, [path])).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  const db = await openSmall(path, { walBytesMax: 60 * MIB });
  expect(db.stats().recovery.commitsReplayed).toBe(1);
  const family = db.columnFamily('family');
  expect(family.count()).toBe(20_000);
  for (let at = 0; at < 20_000; at += 777)
    expect(family.get(`k${at}`)).toBe(`${at}${'x'.repeat(1000)}`);
});

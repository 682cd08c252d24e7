/**
 * Column families: created by their first write, listed, dropped, made again, many of them, and
 * commits that span them.
 */
import type { ColumnFamily, Database } from '@manifold-db/core';
import { expect } from 'vitest';
import { databasePath, expectThrownCode, openSmall } from './support/api-database.js';
import { inModes, inBuildModes } from './support/modes.js';

inBuildModes('a family is there from its first write on; reading it creates nothing', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const users = db.columnFamily('users');
  expect(users.name).toBe('users');
  expect(users.get('ada')).toBeUndefined();
  expect(users.count()).toBe(0);
  expect([...users.entries()]).toEqual([]);
  expect(await users.delete('ada')).toEqual({ sequence: 0 });
  expect(await users.clear()).toEqual({ sequence: 0 });
  await expect(db.write((tx) => void (tx.put(users, 'a', 'b') ?? fail()))).rejects.toThrow('no');
  expect(db.columnFamilies()).toEqual(['default']);
  expect(await users.put('ada', 'lovelace')).toEqual({ sequence: 1 });
  expect(db.columnFamilies()).toEqual(['default', 'users']);
  expect(db.columnFamily('users').get('ada')).toBe('lovelace');
  await db.close();
  const again = await openSmall(path);
  expect(again.columnFamilies()).toEqual(['default', 'users']);
  expect(again.columnFamily('users').get('ada')).toBe('lovelace');
});

function fail(): never {
  throw new Error('no');
}

inBuildModes('names: 1 to 240 bytes of well-formed text, sorted', async () => {
  const db = await openSmall();
  for (const name of ['', 'x'.repeat(241), 'é'.repeat(121)]) {
    expect(() => db.columnFamily(name)).toThrow(RangeError);
  }
  for (const name of ['\ud800', 3, undefined, null]) {
    expect(() => db.columnFamily(name as string)).toThrow(TypeError);
  }
  const names = ['é'.repeat(120), 'a\0b', ' ', '__proto__', 'x'.repeat(240)];
  for (const name of names) await db.columnFamily(name).put('k', name);
  expect(db.columnFamilies()).toEqual([...names, 'default'].sort());
  for (const name of names) expect(db.columnFamily(name).get('k')).toBe(name);
  expect(() => db.columnFamily('b', { keyEncoding: 'utf16' as 'utf8' })).toThrow(TypeError);
  expect(() => db.columnFamily('b', { valueEncoding: 'xml' as 'utf8' })).toThrow(TypeError);
});

inBuildModes(
  'a dropped family is gone, can be made again, and old snapshots still show the old one',
  async () => {
    const path = databasePath();
    const db = await openSmall(path);
    const family = db.columnFamily('family');
    for (let at = 0; at < 500; at++)
      await family.put(`old${at}`, 'x'.repeat(100), { durability: 'none' });
    const first = db.snapshot();
    const walk = family.keys();
    expect(walk.next().value).toBe('old0');
    await db.dropColumnFamily('family');
    expect(db.columnFamilies()).toEqual(['default']);
    expect(family.get('old1')).toBeUndefined();
    expect(family.count()).toBe(0);
    const between = db.snapshot();

    await family.put('new', '1');
    const second = db.snapshot();
    await db.dropColumnFamily('family');
    await family.put('newest', '2');
    await db.checkpoint();

    expect([...family.keys()]).toEqual(['newest']);
    expect(family.count({ snapshot: first })).toBe(500);
    expect(family.get('old499', { snapshot: first })).toBe('x'.repeat(100));
    expect([...walk]).toHaveLength(499);
    expect(family.count({ snapshot: between })).toBe(0);
    expect([...family.entries({ snapshot: second })]).toEqual([['new', '1']]);
    for (const snapshot of [first, between, second]) snapshot.close();
    expect(() => family.get('new', { snapshot: first })).toThrow(/closed/);
    await db.close();
    const again = await openSmall(path);
    expect([...again.columnFamily('family').entries()]).toEqual([['newest', '2']]);
  },
);

inBuildModes(
  'dropping what is not there changes nothing; dropping `default` empties it',
  async () => {
    const path = databasePath();
    const db = await openSmall(path);
    await db.put('a', '1');
    expect(await db.dropColumnFamily('nothing')).toEqual({ sequence: 1 });
    expect(await db.dropColumnFamily('default')).toEqual({ sequence: 2 });
    expect(db.columnFamilies()).toEqual(['default']);
    expect(db.count()).toBe(0);
    await db.put('b', '2');
    await db.close();
    expect([...(await openSmall(path)).entries()]).toEqual([['b', '2']]);
  },
);

inModes('300 families, and commits that are atomic across them', async (mode) => {
  const path = databasePath();
  const db = await openSmall(path, { mode, workers: { apply: 2 } });
  const families = openFamilies(db);
  for (let round = 0; round < 3; round++) {
    await db.write((tx) => {
      for (const family of families) tx.put(family, `round${round}`, family.name);
    });
  }
  const failed = db.write((tx) => {
    for (const family of families) tx.clear(family);
    throw new Error('rolled back');
  });
  await expect(failed).rejects.toThrow('rolled back');
  await Promise.all(families.map((family) => family.put('own', family.name)));
  await Promise.all(
    families.filter((_, at) => at % 3 === 0).map((f) => db.dropColumnFamily(f.name)),
  );
  checkFamilies(db);
  await db.close();
  const again = await openSmall(path);
  checkFamilies(again);
  expect(await again.verify()).toMatchObject({ ok: true, columnFamilyCount: 200 });
});

function openFamilies(db: Database): ColumnFamily[] {
  return Array.from({ length: 300 }, (_, at) => db.columnFamily(`family${at}`));
}

function checkFamilies(db: Database): void {
  expect(db.columnFamilies()).toHaveLength(201);
  openFamilies(db).forEach((family, at) => {
    const keys = at % 3 === 0 ? [] : ['own', 'round0', 'round1', 'round2'];
    expect([...family.entries()]).toEqual(keys.map((key) => [key, family.name]));
  });
}

inBuildModes('a handle of another database, or something else, is refused', async () => {
  const one = await openSmall();
  const two = await openSmall();
  const foreign = two.columnFamily('family');
  expect(() => one.batch().put(foreign, 'a', '1')).toThrow(TypeError);
  await expect(one.write((tx) => tx.put(foreign, 'a', '1'))).rejects.toThrow(TypeError);
  const fake = { ...one.columnFamily('family') } as ColumnFamily;
  await expect(one.write((tx) => tx.get(fake, 'a'))).rejects.toThrow(/of this database/);
  const snapshot = two.snapshot();
  expect(() => one.get('a', { snapshot })).toThrow(/of this database/);
  expect(one.lastCommitted).toBe(0);
});

inBuildModes(
  'the limit of families gives a typed error and leaves the database usable',
  async () => {
    const db = await openSmall();
    const names = Array.from({ length: 5000 }, (_, at) => `f${at}`);
    let made = 0;
    expectThrownCode(() => {
      for (const name of names) {
        const family = db.columnFamily(name);
        db.writeSync((tx) => tx.put(family, 'k', 'v'), { durability: 'none' });
        made++;
      }
    }, 'ERR_MANIFOLD_LIMIT');
    // One place is kept for the family that exists always.
    expect(made).toBe(4095);
    expect(db.columnFamilies()).toHaveLength(4096);
    await db.put('still', 'works');
    await db.dropColumnFamily('f7');
    await db.checkpoint();
    await db.columnFamily('late').put('k', 'v');
    expect(db.columnFamily('late').get('k')).toBe('v');
  },
);

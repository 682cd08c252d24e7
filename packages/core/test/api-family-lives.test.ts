/**
 * Families that come and go: what readers see of earlier ones of a name, and that what never came
 * to be leaves nothing behind.
 */
import type { Database, Snapshot } from '@manifold-db/core';
import { expect } from 'vitest';
import { openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

/** More than the lives of a name that were once kept. */
const DROPS = 1100;
/** The life that a second snapshot shows. */
const SECOND = 700;
/** More than there are places for families. */
const ROLLED_BACK = 4200;
const NONE = { durability: 'none' } as const;

class RolledBack extends Error {}

/** Writes to families that do not exist yet, and gives the transactions up. */
function createInVain(db: Database, end: (name: string) => void): void {
  for (let at = 0; at < ROLLED_BACK; at++) end(`family${at}`);
  expect(db.columnFamilies()).toEqual(['default']);
}

async function expectPlace(db: Database): Promise<void> {
  await db.columnFamily('new').put('k', 'v');
  expect(db.columnFamily('new').get('k')).toBe('v');
  expect(db.columnFamilies()).toEqual(['default', 'new']);
  expect(await db.verify()).toMatchObject({ ok: true });
}

inBuildModes('readers see their family behind any number of drops', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  await db.write((tx) => {
    for (let at = 0; at < DROPS; at++) tx.put(family, `k${at}`, 'first');
  });
  const first = db.snapshot();
  const walk = family.keys();
  walk.next();
  let second: Snapshot | undefined;
  for (let at = 0; at < DROPS; at++) {
    await db.dropColumnFamily('family', NONE);
    await family.put('k', `${at}`, NONE);
    if (at === SECOND) second = db.snapshot();
  }
  expect(family.get('k0', { snapshot: first })).toBe('first');
  expect(family.count({ snapshot: first })).toBe(DROPS);
  expect(family.get('k', { snapshot: second })).toBe(`${SECOND}`);
  first.close();
  await db.checkpoint();
  await db.dropColumnFamily('family');
  expect([...walk]).toHaveLength(DROPS - 1);
  expect(family.get('k', { snapshot: second })).toBe(`${SECOND}`);
  expect(family.count()).toBe(0);
});

inBuildModes('a transaction that was begun before a drop still commits', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  await family.put('k', 'old');
  await db.transaction(async (tx) => {
    tx.put(family, 'written', 'in the transaction');
    for (let at = 0; at < 3; at++) {
      await db.dropColumnFamily('family');
      await family.put('k', 'new');
    }
    await db.dropColumnFamily('family');
    tx.put(family, 'more', 'behind the drops');
  });
  expect([...family.keys()]).toEqual(['more', 'written']);
});

inBuildModes('a family is not named as one that is being created beside it', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  await family.put('k', 'old');
  await db.transaction(async (tx) => {
    await db.dropColumnFamily('family');
    const other = db.transaction(async (beside) => {
      beside.put(family, 'beside', '');
      tx.put(family, 'written', '');
      throw new RolledBack();
    });
    await expect(other).rejects.toThrow(RolledBack);
  });
  expect([...family.keys()]).toEqual(['written']);
});

inBuildModes('creations that are rolled back give their places back', async () => {
  const db = await openSmall();
  createInVain(db, (name) => {
    const create = () =>
      db.writeSync((tx) => {
        tx.put(db.columnFamily(name), 'k', 'v');
        throw new RolledBack();
      });
    expect(create).toThrow(RolledBack);
  });
  await expectPlace(db);
});

inBuildModes('so do those behind a savepoint', async () => {
  const db = await openSmall();
  const kept = db.columnFamily('new');
  db.writeSync((tx) => {
    tx.put(db.defaultFamily, 'k', 'v');
    createInVain(db, (name) => {
      const savepoint = tx.savepoint();
      tx.put(db.columnFamily(name), 'k', 'v');
      tx.rollbackTo(savepoint);
      if (name === 'family7') tx.put(kept, 'own', 'kept');
    });
    const savepoint = tx.savepoint();
    tx.put(kept, 'own', 'undone');
    tx.rollbackTo(savepoint);
    expect(tx.get(kept, 'own')).toBe('kept');
  });
  expect([...kept.keys()]).toEqual(['own']);
  await expectPlace(db);
});

inBuildModes('a place is kept while anybody is creating the family', async () => {
  const db = await openSmall();
  const family = db.columnFamily('new');
  const inVain = () =>
    db.writeSync((tx) => {
      tx.put(family, 'never', 'v');
      tx.put(db.columnFamily('another'), 'never', 'v');
      throw new RolledBack();
    });
  await db.transaction(async (tx) => {
    tx.put(family, 'a', '1');
    expect(inVain).toThrow(RolledBack);
    // The places given back go to others meanwhile.
    await db.columnFamily('third').put('b', '2');
    tx.put(family, 'c', '3');
  });
  const failed = db.transaction(async (tx) => {
    tx.put(db.columnFamily('fourth'), 'never', 'v');
    await db.columnFamily('fourth').put('d', '4');
    throw new RolledBack();
  });
  await expect(failed).rejects.toThrow(RolledBack);
  expect(db.columnFamilies()).toEqual(['default', 'fourth', 'new', 'third']);
  expect([...family.keys()]).toEqual(['a', 'c']);
  expect([...db.columnFamily('third').keys()]).toEqual(['b']);
  expect([...db.columnFamily('fourth').keys()]).toEqual(['d']);
  await db.checkpoint();
  expect(await db.verify()).toMatchObject({ ok: true, columnFamilyCount: 3 });
});

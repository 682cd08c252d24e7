/**
 * Families that come and go: what readers see of earlier ones of a name.
 */
import type { Snapshot } from '@manifold-db/core';
import { expect } from 'vitest';
import { openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

/** More than the lives of a name that were once kept. */
const DROPS = 1100;
/** The life that a second snapshot shows. */
const SECOND = 700;
const NONE = { durability: 'none' } as const;

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

/**
 * The three durabilities on a disk whose log syncs are slow: what has happened when a commit's
 * promise resolves, told by watermarks, not by clocks.
 */
import type { Database, OpenOptions } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { openSmallWith } from './support/api-database.js';
import { inModes, inBuildModes } from './support/modes.js';

const SYNC_US = 400_000;

function openSlow(options: OpenOptions): Promise<Database> {
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: SYNC_US } as const;
  return openSmallWith({ vfsSpec }, options);
}

inModes('none, async and immediate, by option of the call', async (mode) => {
  const db = await openSlow({ mode });
  const none = await db.put('none', '1', { durability: 'none' });
  expect(none.sequence).toBe(1);
  expect(db.get('none')).toBe('1');
  expect(db.lastSynced).toBe(0);

  await db.waitForSync();
  const asynchronous = await db.put('async', '2', { durability: 'async' });
  expect(db.stats().sequences.written).toBeGreaterThanOrEqual(asynchronous.sequence);
  expect(db.lastSynced).toBeLessThan(asynchronous.sequence);

  const immediate = await db.put('immediate', '3');
  expect(db.lastSynced).toBeGreaterThanOrEqual(immediate.sequence);
  const { sequences } = db.stats();
  expect(sequences.written).toBeGreaterThanOrEqual(sequences.synced);
  expect(sequences.appended).toBeGreaterThanOrEqual(sequences.written);
});

it.each(['none', 'async', 'immediate'] as const)(
  '%s as default of the database',
  async (durability) => {
    const db = await openSlow({ durability });
    expect(db.stats().options.durability).toBe(durability);
    const family = db.columnFamily('family');
    const commits = [
      () => db.put('a', '1'),
      () => family.put('a', '1', { ifAbsent: true }),
      () => db.write((tx) => tx.put(family, 'b', '2')),
      () => db.batch().put(family, 'c', '3').write(),
    ];
    const results = await Promise.all(commits.map((commit) => commit()));
    expect(results.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    if (durability === 'immediate') expect(db.lastSynced).toBe(4);
    if (durability === 'async') expect(db.stats().sequences.written).toBe(4);
    if (durability === 'none') expect(db.lastSynced).toBe(0);
    // A single commit may ask for more, or for less.
    await db.put('d', '4', { durability: 'immediate' });
    expect(db.lastSynced).toBe(5);
    await db.transaction(async (tx) => tx.put(family, 'e', '5'), { durability: 'none' });
    expect(db.lastSynced).toBe(5);
  },
);

inBuildModes('consistency: synced and applied show what the watermarks say', async () => {
  const db = await openSlow({});
  await db.put('a', 'old');
  await db.waitForApply();
  await db.put('a', 'new', { durability: 'none' });
  const read = () => [
    db.get('a'),
    db.get('a', { consistency: 'latest' }),
    db.get('a', { consistency: 'synced' }),
    db.get('a', { consistency: 'applied' }),
  ];
  expect(read()).toEqual(['new', 'new', 'old', 'old']);
  expect([...db.values({ consistency: 'synced' })]).toEqual(['old']);
  expect(await db.getAsync('a', { consistency: 'applied' })).toBe('old');
  expect(db.getMany(['a'], { consistency: 'synced' })).toEqual(['old']);
  await db.columnFamily('fresh').put('k', 'v', { durability: 'none' });
  expect(db.columnFamily('fresh').count({ consistency: 'synced' })).toBe(0);
  await db.waitForSync();
  expect(read().slice(0, 3)).toEqual(['new', 'new', 'new']);
  await db.waitForApply();
  expect(read()).toEqual(['new', 'new', 'new', 'new']);
  expect(db.columnFamily('fresh').count({ consistency: 'synced' })).toBe(1);
});

it('async-wal applies right after the append, before the sync', async () => {
  const db = await openSlow({ mode: 'async-wal' });
  const { sequence } = await db.put('a', '1', { durability: 'none' });
  expect(db.lastApplied).toBe(sequence);
  expect(db.lastSynced).toBeLessThan(sequence);
  expect(db.get('a', { consistency: 'applied' })).toBe('1');
  expect(db.get('a', { consistency: 'synced' })).toBeUndefined();
});

inBuildModes('a drop that is not synced yet does not show in the synced view', async () => {
  const db = await openSlow({});
  const family = db.columnFamily('family');
  await family.put('a', '1');
  await db.dropColumnFamily('family', { durability: 'none' });
  expect(family.get('a')).toBeUndefined();
  expect(family.get('a', { consistency: 'synced' })).toBe('1');
  await family.put('b', '2', { durability: 'none' });
  expect([...family.keys({ consistency: 'synced' })]).toEqual(['a']);
  await db.waitForSync();
  expect([...family.keys({ consistency: 'synced' })]).toEqual(['b']);
});

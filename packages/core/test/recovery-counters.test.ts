/**
 * Counters past 2^31 and 2^32, and far towards 2^53: at a million commits per second an Int32
 * sequence wraps in 36 minutes. A database is made, closed, and given a checkpoint whose sequence
 * and birth counter lie just below the border, with an empty log to match; then it is opened and
 * commits run over the border, through snapshots, checkpoints, a crash, a clean close. Page births
 * are 48 bits wide: few of them may be left out.
 */
import {
  SimulatedDisk,
  createSegment,
  encodeMeta,
  metaSlot,
  readMetas,
  type Meta,
} from '@manifold-db/storage';
import type { OpenOptions } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { DATA_PATH, logFiles, overwrite, pathOf, remove } from './support/files.js';
import { READ_ONLY, SIMULATED_PATH, SMALL, openSimulation } from './support/simulator.js';
import { inBuildModes, inModes } from './support/modes.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261203);
const BELOW = 5;
const COMMITS = 12;
const BORDERS = { '2^31': 2 ** 31, '2^32': 2 ** 32, '2^40': 2 ** 40, '2^52': 2 ** 52 };
/** Births are 48 bits wide on disk; pages already have some. */
const BIRTH_BORDERS: Record<string, number> = { '2^31': 2 ** 31, '2^32': 2 ** 32, '2^40': 2 ** 40 };

/** A database at `sequence`, closed, whose log says nothing yet. */
async function databaseAt(sequence: number, birth: number | undefined): Promise<SimulatedDisk> {
  const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
  for (let i = 0; i < 3; i++) await host.run(database.put(`old-${i}`, 'value'));
  await host.run(database.close());
  const file = disk.vfs().open(DATA_PATH, 'read');
  const { meta } = readMetas(file, DATA_PATH);
  file.close();
  const moved: Meta = {
    ...meta,
    metaGeneration: meta.metaGeneration + 1,
    sequence,
    birthCounter: birth ?? meta.birthCounter,
  };
  for (const next of [moved, { ...moved, metaGeneration: moved.metaGeneration + 1 }]) {
    overwrite(disk, DATA_PATH, encodeMeta(next), metaSlot(next.metaGeneration) * meta.pageBytes);
  }
  for (const name of logFiles(disk)) remove(disk, pathOf(name));
  const spec = {
    directory: SIMULATED_PATH,
    segmentBytes: SMALL.walSegmentBytes!,
    databaseId: meta.databaseId,
  };
  createSegment(disk.vfs(), spec, meta.walSegmentNumber);
  return disk.crash({ keep: 'none' });
}

async function expectContent(disk: SimulatedDisk, last: number, keys: number): Promise<void> {
  const { database } = await openSimulation(disk, SEED, READ_ONLY);
  expect(database.lastCommitted).toBe(last);
  expect(database.count({ prefix: 'new-' })).toBe(keys);
  expect(database.count({ prefix: 'old-' })).toBe(3);
}

async function crossBorder(disk: SimulatedDisk, start: number, options: OpenOptions) {
  const { database, host } = await openSimulation(disk, SEED, options);
  expect(database.lastCommitted).toBe(start);
  const snapshots = [];
  for (let i = 1; i <= COMMITS; i++) {
    const waiting = database.waitForSync(start + i);
    const commit = await host.run(database.put(`new-${i}`, `value-${i}`));
    await host.run(waiting);
    expect(commit.sequence).toBe(start + i);
    expect(database.lastSynced).toBe(start + i);
    snapshots.push(database.snapshot());
    if (i === BELOW - 1 || i === BELOW + 2) await host.run(database.checkpoint());
  }
  for (const [i, snapshot] of snapshots.entries()) {
    expect(snapshot.sequence).toBe(start + i + 1);
    expect(database.count({ prefix: 'new-', snapshot })).toBe(i + 1);
    snapshot.close();
  }
  await host.run(database.waitForApply());
  expect(database.lastApplied).toBe(start + COMMITS);
  await expectContent(disk.crash({ keep: 'none' }), start + COMMITS, COMMITS);
  return { database, host };
}

describe.each(Object.entries(BORDERS))('sequences over %s', (_name, border) => {
  inModes('commits, snapshots, checkpoints, a crash, a close', async (mode) => {
    const start = border - BELOW;
    const disk = await databaseAt(start, undefined);
    const { database, host } = await crossBorder(disk, start, { mode });
    await host.run(database.close());
    await expectContent(disk, start + COMMITS, COMMITS);
    const again = await openSimulation(disk, SEED, { mode });
    expect(again.database.stats().recovery).toMatchObject({ clean: true, commitsReplayed: 0 });
    const { sequence } = await again.host.run(again.database.put('new-more', 'value'));
    expect(sequence).toBe(start + COMMITS + 1);
    await again.host.run(again.database.close());
  });

  inBuildModes('a crash right below it is replayed over it', async () => {
    const start = border - BELOW;
    const disk = await databaseAt(start, undefined);
    const { host, database } = await openSimulation(disk, SEED, { workers: { apply: 2 } });
    const other = database.columnFamily('other');
    for (let i = 1; i <= COMMITS; i++) {
      const family = i % 2 === 0 ? other : database.defaultFamily;
      await host.run(family.put(`new-${i}`, 'value'));
    }
    const left = disk.crash({ keep: 'none' });
    const again = await openSimulation(left, SEED, { workers: { apply: 2 } });
    expect(again.database.stats().recovery.commitsReplayed).toBe(COMMITS);
    expect(again.database.lastSynced).toBe(start + COMMITS);
    expect(again.database.columnFamily('other').count()).toBe(COMMITS / 2);
    await again.host.run(again.database.close());
    await expectContent(left, start + COMMITS, COMMITS / 2);
  });
});

describe.each(Object.entries(BIRTH_BORDERS))('births over %s', (_name, border) => {
  inBuildModes('pages are made, superseded and read on both sides', async () => {
    const start = 3;
    const disk = await databaseAt(start, border - 100);
    const { database, host } = await crossBorder(disk, start, {});
    for (let i = 0; i < 40; i++) await host.run(database.put(`many-${i}`, 'x'.repeat(1000)));
    await host.run(database.checkpoint());
    for (let i = 0; i < 40; i += 2) await host.run(database.delete(`many-${i}`));
    const meta = await closedMeta(disk, () => host.run(database.close()));
    expect(meta.birthCounter).toBeGreaterThan(border);
    const again = await openSimulation(disk, SEED, READ_ONLY);
    expect(again.database.count({ prefix: 'many-' })).toBe(20);
  });
});

describe('births', () => {
  it('are left out by the million after a crash only', async () => {
    const disk = new SimulatedDisk();
    const first = await openSimulation(disk, SEED);
    await first.host.run(first.database.put('a', 'value'));
    const closed = await closedMeta(disk, () => first.host.run(first.database.close()));
    for (let i = 0; i < 5; i++) {
      const { database, host } = await openSimulation(disk, SEED);
      await host.run(database.put('a', `value-${i}`));
      if (i < 4) await host.run(database.close());
    }
    const before = await closedMeta(disk, () => Promise.resolve());
    // At one opening per second it takes a century to use up 2^48.
    expect(before.birthCounter - closed.birthCounter).toBeLessThan(5 * 2 ** 17);
    const left = disk.crash({ keep: 'all' });
    const { database, host } = await openSimulation(left, SEED);
    const after = await closedMeta(left, () => host.run(database.close()));
    expect(after.birthCounter - before.birthCounter).toBeGreaterThan(2 ** 26);
  });

  it('that are used up are told of when the database is opened, and it can be read', async () => {
    const disk = await databaseAt(3, 2 ** 48 - 2 ** 30);
    await expect(openSimulation(disk, SEED)).rejects.toMatchObject({ code: 'ERR_MANIFOLD_LIMIT' });
    await expectContent(disk, 3, 0);
  });
});

async function closedMeta(disk: SimulatedDisk, close: () => Promise<void>): Promise<Meta> {
  await close();
  const file = disk.vfs().open(DATA_PATH, 'read');
  try {
    return readMetas(file, DATA_PATH).meta;
  } finally {
    file.close();
  }
}

/**
 * What recovery has to bring back: transactions larger than the ring, values of several MiB,
 * dropped and re-created families, families spread over several apply workers. A clean close leaves
 * nothing to replay, and a read-only open replays in memory and writes nothing.
 */
import { SEGMENT_RECYCLED_NAME, SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { collectCrashes, crashProblems, dropUnsynced } from './support/crash-states.js';
import { readState } from './support/history.js';
import { READ_ONLY_LARGE, SIMULATED_PATH, openSimulation } from './support/simulator.js';
import { BUILD_MODES, inBuildModes } from './support/modes.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261202);
const LIMIT_MS = 60_000;
const MIB = 1024 * 1024;

async function reopened(disk: SimulatedDisk) {
  return (await openSimulation(disk, SEED, READ_ONLY_LARGE)).database;
}

describe('a transaction larger than the ring', () => {
  inBuildModes(
    'is there whole once it is acknowledged, absent before',
    { timeout: LIMIT_MS },
    async () => {
      const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
      const value = (i: number) => String(i).repeat(700_000);
      await host.run(database.put('before', 'value'));
      const crashes: { disk: SimulatedDisk; place: string }[] = [];
      disk.onOperation = (index, description) => {
        const place = `operation ${index}: ${description}`;
        if (/wal-0/.test(description)) crashes.push({ disk: disk.crash({ keep: 'none' }), place });
      };
      const other = database.columnFamily('other');
      const commit = database.write((tx) => {
        for (let i = 0; i < 6; i++)
          tx.put(i % 2 === 0 ? other : database.defaultFamily, `k${i}`, value(i));
      });
      await host.run(commit);
      disk.onOperation = undefined;
      expect(crashes.length).toBeGreaterThan(3);
      for (const { disk: left, place } of crashes) {
        const found = await reopened(left);
        expect([1, 2], place).toContain(found.lastCommitted);
        const isThere = found.lastCommitted === 2;
        expect(found.count(), place).toBe(isThere ? 4 : 1);
        expect(found.columnFamily('other').count(), place).toBe(isThere ? 3 : 0);
      }
      const found = await reopened(disk.crash({ keep: 'none' }));
      expect(found.lastCommitted).toBe(2);
      for (let i = 0; i < 6; i++) {
        const family = found.columnFamily(i % 2 === 0 ? 'other' : 'default');
        expect(family.get(`k${i}`) === value(i), `k${i}`).toBe(true);
      }
    },
  );
});

describe('values of several MiB', () => {
  inBuildModes(
    'survive a crash before and after their checkpoint, in the smallest cache',
    async () => {
      const options = { cacheBytes: MIB };
      const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED, options);
      const blobs = database.columnFamily<string, Uint8Array>('blobs', { valueEncoding: 'buffer' });
      const blob = (i: number) => new Uint8Array(i * MIB + 12_345).fill(i);
      const sizes = [1, 2, 3, 4];
      for (const i of sizes) await host.run(blobs.put(`blob-${i}`, blob(i)));
      for (let i = 0; i < 30; i++)
        await host.run(blobs.put('middle', new Uint8Array(250_000).fill(i)));
      const check = async (left: SimulatedDisk) => {
        const { database: found } = await openSimulation(left, SEED, {
          ...READ_ONLY_LARGE,
          cacheBytes: 32 * MIB,
        });
        const family = found.columnFamily<string, Uint8Array>('blobs', { valueEncoding: 'buffer' });
        for (const i of sizes) {
          expect(Buffer.compare(family.get(`blob-${i}`)!, blob(i)), `blob-${i}`).toBe(0);
        }
        expect(family.get('middle')?.[0]).toBe(29);
      };
      await check(disk.crash({ keep: 'none' }));
      await host.run(database.checkpoint());
      await check(disk.crash({ keep: 'none' }));
      await host.run(blobs.put('blob-4', blob(4)));
      // A writer recovers in the smallest cache too, and gives the space of the old values back.
      const again = await openSimulation(disk.crash({ keep: 'none' }), SEED, options);
      await again.host.run(again.database.columnFamily('blobs').clear());
      await again.host.run(again.database.close());
      const found = await reopened(again.disk);
      expect(found.columnFamily('blobs').count()).toBe(0);
      expect(found.stats().recovery.commitsReplayed).toBe(0);
    },
  );
});

describe('families that are dropped and made again', () => {
  inBuildModes('come back as they were last', async () => {
    const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
    const put = (name: string, key: string) => host.run(database.columnFamily(name).put(key, name));
    const check = async (expected: Record<string, string[]>) => {
      for (const left of [disk.crash({ keep: 'none' }), disk.snapshot()]) {
        const found = await reopened(left);
        const families = found
          .columnFamilies()
          .map((name) => [name, [...found.columnFamily(name).keys()]]);
        expect(Object.fromEntries(families)).toEqual({ default: [], ...expected });
      }
    };
    await put('a', 'old-1');
    await put('b', 'old-2');
    await host.run(database.checkpoint());
    await host.run(database.dropColumnFamily('a'));
    await check({ b: ['old-2'] });
    await put('a', 'new-1');
    await check({ a: ['new-1'], b: ['old-2'] });
    await host.run(database.dropColumnFamily('a'));
    await put('c', 'slot of a');
    await put('a', 'newer');
    await host.run(database.dropColumnFamily('b'));
    await check({ a: ['newer'], c: ['slot of a'] });
    await host.run(database.checkpoint());
    await check({ a: ['newer'], c: ['slot of a'] });
    await host.run(database.dropColumnFamily('c'));
    await host.run(database.dropColumnFamily('a'));
    await check({});
    await host.run(database.close());
    await check({});
  });
});

describe('apply workers', () => {
  const cases = BUILD_MODES.flatMap((mode) => [1, 2, 4].map((apply) => ({ mode, apply })));
  it.each(cases)(
    '$apply of them, mode $mode: any crash leaves a prefix',
    { timeout: LIMIT_MS },
    async ({ mode, apply }) => {
      const { run, crashes } = await collectCrashes(dropUnsynced, {
        mode,
        seed: SEED + apply,
        commits: 70,
        checkpointEvery: 15,
        open: { workers: { apply } },
      });
      expect(crashes.length).toBeGreaterThan(30);
      expect(await crashProblems(run, crashes)).toEqual([]);
    },
  );
});

describe('closing and looking', () => {
  inBuildModes('a clean close leaves nothing to replay', async () => {
    const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
    for (let i = 0; i < 30; i++) void database.put(`key-${i}`, 'value').catch(() => {});
    await host.run(database.close());
    for (const left of [disk.crash({ keep: 'none' }), disk]) {
      const again = await openSimulation(left, SEED);
      expect(again.database.count()).toBe(30);
      expect(again.database.stats().recovery).toMatchObject({
        clean: true,
        commitsReplayed: 0,
        bytesCut: 0,
        checkpointSequence: 30,
        lastSequence: 30,
      });
      const operations = left.operationCount;
      await again.host.run(again.database.close());
      // Opened and closed without a change: no second checkpoint of the same.
      const third = await openSimulation(left, SEED, READ_ONLY_LARGE);
      expect(third.database.stats().recovery.clean).toBe(true);
      expect(left.operationCount - operations).toBeLessThan(12);
    }
  });

  inBuildModes('a segment that was being recycled when the process died is removed', async () => {
    const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
    await host.run(database.put('key', 'value'));
    await host.run(database.close());
    const left = `${SIMULATED_PATH}/${SEGMENT_RECYCLED_NAME}`;
    const file = disk.vfs().open(left, 'create');
    file.write([new Uint8Array(MIB)], 0);
    file.close();
    // Who only reads changes nothing.
    const reader = await openSimulation(disk, SEED, READ_ONLY_LARGE);
    await reader.host.run(reader.database.close());
    expect(disk.vfs().exists(left)).toBe(true);
    const again = await openSimulation(disk, SEED);
    expect(disk.vfs().exists(left)).toBe(false);
    expect(again.database.get('key')).toBe('value');
    await again.host.run(again.database.close());
  });

  inBuildModes('read-only replays in memory and writes nothing', async () => {
    const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
    for (let i = 0; i < 25; i++) await host.run(database.put(`key-${i}`, 'value'));
    await host.run(database.checkpoint());
    for (let i = 25; i < 40; i++) await host.run(database.put(`key-${i}`, 'value'));
    const left = disk.crash({ keep: 'none' });
    const operations = left.operationCount;
    for (let round = 0; round < 2; round++) {
      const found = await openSimulation(left, SEED, READ_ONLY_LARGE);
      expect(found.database.stats().recovery.commitsReplayed).toBe(15);
      expect(readState(found.database)).toEqual(readState(database));
      expect([...found.database.keys({ consistency: 'synced' })].length).toBe(40);
      expect([...found.database.keys({ consistency: 'applied' })].length).toBe(40);
      const put = Promise.resolve().then(() => found.database.put('key', 'value'));
      await expect(put).rejects.toMatchObject({ code: 'ERR_MANIFOLD_READONLY' });
      await found.host.run(found.database.close());
    }
    expect(left.operationCount).toBe(operations);
    expect(left.pendingWrites()).toEqual([]);
  });
});

it('until the replayed commits are applied, applied is what the checkpoint holds', async () => {
  const options = { mode: 'pipelined' } as const;
  const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED, options);
  const before = database.columnFamily('family');
  await host.run(before.put('k', 'old'));
  await host.run(database.checkpoint());
  await host.run(database.dropColumnFamily('family'));
  await host.run(before.put('k', 'new'));
  await host.run(database.dropColumnFamily('family'));
  const again = await openSimulation(disk.crash({ keep: 'all' }), SEED, options);
  const family = again.database.columnFamily('family');
  expect(again.database.lastApplied).toBe(1);
  expect(family.get('k', { consistency: 'applied' })).toBe('old');
  expect(family.get('k')).toBeUndefined();
  await again.host.run(again.database.waitForApply());
  expect(again.database.lastApplied).toBe(4);
  expect(family.get('k', { consistency: 'applied' })).toBeUndefined();
});

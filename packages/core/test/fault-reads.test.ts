/**
 * The data file cannot be read, or holds damage. The one read (or the build that needed the page)
 * fails with a typed error and never returns wrong data; everything that does not touch the place
 * goes on, and when the fault is gone the same read works.
 */
import { SimulatedDisk, type FaultRule } from '@manifold-db/storage';
import { describe, expect } from 'vitest';
import { openFaulty, settle, thrownCode, type FaultySimulation } from './support/faults.js';
import { openSimulation } from './support/simulator.js';
import { inBuildModes } from './support/modes.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261128);
const KEYS = 400;
const readFails: FaultRule = { operation: 'read', pathIncludes: 'data.manifold', errno: 'EIO' };

function key(i: number): string {
  return `key-${String(i).padStart(4, '0')}`;
}

/** A closed database whose pages the next process has to read from the file. */
async function closedDatabase(): Promise<SimulatedDisk> {
  const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
  const other = database.columnFamily('other');
  await host.run(
    database.write((tx) => {
      for (let i = 0; i < KEYS; i++) tx.put(database.defaultFamily, key(i), 'v'.repeat(300));
      tx.put(other, 'key', 'value');
    }),
  );
  await host.run(database.close());
  return disk;
}

async function openCold(rules: FaultRule[]): Promise<FaultySimulation> {
  return openFaulty(rules, {}, { disk: await closedDatabase(), seed: SEED });
}

describe('a page that cannot be read', () => {
  inBuildModes('fails that read alone', async () => {
    const { database, host, switchOn, switchOff } = await openCold([readFails]);
    expect(database.columnFamily('other').get('key')).toBe('value');
    switchOn();
    expect(thrownCode(() => database.get(key(1)))).toBe('ERR_MANIFOLD_IO');
    expect(thrownCode(() => database.has(key(1)))).toBe('ERR_MANIFOLD_IO');
    expect(thrownCode(() => database.getMany([key(1), key(2)]))).toBe('ERR_MANIFOLD_IO');
    expect(thrownCode(() => database.count({ gt: key(1), lt: key(300) }))).toBe('ERR_MANIFOLD_IO');
    expect(thrownCode(() => [...database.entries()])).toBe('ERR_MANIFOLD_IO');
    expect((await settle(host, () => database.getAsync(key(1)))).code).toBe('ERR_MANIFOLD_IO');
    expect(database.columnFamily('other').get('key')).toBe('value');
    await host.run(database.columnFamily('other').put('key', 'more'));
    expect(database.stats().failure).toBeUndefined();
    switchOff();
    expect(database.get(key(1))).toBe('v'.repeat(300));
    expect([...database.keys()].length).toBe(KEYS);
    await host.run(database.close());
  });

  inBuildModes('fails the commit that needs it, and leaves no trace of it', async () => {
    const { database, host, disk, switchOn, switchOff } = await openCold([readFails]);
    switchOn();
    const last = database.lastCommitted;
    const put = await settle(host, () => database.put(key(1), 'new'));
    expect(put.code).toBe('ERR_MANIFOLD_IO');
    const cleared = await settle(host, () => database.clear({ gte: key(10) }));
    expect(cleared.code).toBe('ERR_MANIFOLD_IO');
    expect(database.lastCommitted).toBe(last);
    switchOff();
    expect(database.count()).toBe(KEYS);
    await host.run(database.put(key(1), 'new'));
    expect(database.get(key(1))).toBe('new');
    expect(database.lastCommitted).toBe(last + 1);
    await host.run(database.close());
    const again = await openSimulation(disk, SEED);
    expect(again.database.get(key(1))).toBe('new');
    expect(again.database.count()).toBe(KEYS);
  });

  inBuildModes('lets the iterator that met it end, and gives its pages back', async () => {
    const { database, host, switchOn, switchOff } = await openCold([readFails]);
    const entries = database.entries();
    expect(entries.next().value?.[0]).toBe(key(0));
    switchOn();
    const walk = () => {
      for (let i = 0; i < KEYS; i++) entries.next();
    };
    expect(thrownCode(walk)).toBe('ERR_MANIFOLD_IO');
    expect(entries.next()).toEqual({ value: undefined, done: true });
    expect(database.stats().oldestSnapshot).toBeUndefined();
    switchOff();
    expect([...database.keys()].length).toBe(KEYS);
    await host.run(database.close());
  });
});

describe('a damaged page', () => {
  inBuildModes('is reported with file and offset, never returned', async () => {
    const disk = await closedDatabase();
    const before = await openSimulation(disk.snapshot(), SEED);
    const { pageBytes } = before.database.stats().cache;
    const whole = [...before.database.entries()];
    const size = before.database.stats().cache.livePageCount;
    expect(size).toBeGreaterThan(10);
    let damaged = 0;
    for (let page = 4; page < 40; page++) {
      const hurt = disk.snapshot();
      hurt.flipBit('/db/data.manifold', page * pageBytes + 1000, page % 8);
      const found = await readAll(hurt);
      if (found.error === undefined) {
        expect(found.entries).toEqual(whole);
        continue;
      }
      damaged++;
      expect(found.error).toMatchObject({
        code: 'ERR_MANIFOLD_CORRUPT',
        path: '/db/data.manifold',
        offset: page * pageBytes,
      });
    }
    expect(damaged).toBeGreaterThan(10);
  });
});

async function readAll(disk: SimulatedDisk) {
  try {
    const { database, host } = await openSimulation(disk, SEED);
    try {
      return { entries: [...database.entries()] };
    } finally {
      await host.run(database.close()).catch(() => {});
    }
  } catch (error) {
    return { error: error as Error };
  }
}

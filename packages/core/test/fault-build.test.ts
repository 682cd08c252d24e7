/**
 * A fault in the middle of building a transaction: a page that cannot be read, no room to write
 * pages early. Log bytes and tree may disagree then, so the transaction cannot be committed, even
 * when its callback swallows the error; going back to a savepoint before the fault makes it whole
 * again. A transaction that is refused for its size is whole: what it had before may be committed.
 * Whatever was acknowledged looks the same before and after a crash.
 */
import { SimulatedDisk, type FaultRule } from '@manifold-db/storage';
import type { WriteTransaction } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { openFaulty, settle, type FaultySimulation } from './support/faults.js';
import { readState } from './support/history.js';
import { READ_ONLY_LARGE, openSimulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261129);
const KEYS = 600;
const LARGE = 'x'.repeat(300_000);
const noReads: FaultRule = { operation: 'read', pathIncludes: 'data.manifold', errno: 'EIO' };
const noPages: FaultRule = { operation: 'write', pathIncludes: 'data.manifold', errno: 'ENOSPC' };
const badPages: FaultRule = { operation: 'write', pathIncludes: 'data.manifold', errno: 'EIO' };

function key(i: number): string {
  return `key-${String(i).padStart(4, '0')}`;
}

/** A database with two families, closed, so that its pages are cold when it is opened again. */
/** A put reads pages where it changes them at once; a write buffer takes it as it is. */
const PAGES = { mode: 'pipelined' } as const;

async function coldDisk(): Promise<SimulatedDisk> {
  const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
  await host.run(
    database.write((tx) => {
      for (let i = 0; i < KEYS; i++) tx.put(database.defaultFamily, key(i), 'v'.repeat(200));
    }),
  );
  await host.run(database.close());
  return disk;
}

/** Swallows what the operation throws. */
function attempt(operation: () => void): unknown {
  try {
    operation();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The state, the last sequence, and that a crash now leaves the same. */
async function expectSameAfterCrash({ database, disk }: FaultySimulation): Promise<void> {
  const now = readState(database);
  const { database: left } = await openSimulation(
    disk.crash({ keep: 'none' }),
    SEED,
    READ_ONLY_LARGE,
  );
  expect(left.lastCommitted).toBe(database.lastCommitted);
  expect(readState(left)).toEqual(now);
}

const OPERATIONS: Record<string, (tx: WriteTransaction, simulation: FaultySimulation) => void> = {
  put: (tx, { database }) => tx.put(database.defaultFamily, key(300), 'new'),
  delete: (tx, { database }) => tx.delete(database.defaultFamily, key(300)),
  clear: (tx, { database }) => tx.clear(database.defaultFamily, { gte: key(100), lt: key(500) }),
};

describe.each(Object.keys(OPERATIONS))('a page that cannot be read under a %s', (name) => {
  const operation = OPERATIONS[name]!;

  it('fails the commit, though the callback swallows the error', async () => {
    const simulation = await openFaulty([noReads], PAGES, { disk: await coldDisk(), seed: SEED });
    const { database, host } = simulation;
    const other = database.columnFamily('other');
    const last = database.lastCommitted;
    const outcome = await settle(host, () =>
      database.write((tx) => {
        tx.put(other, 'first', 'value');
        simulation.switchOn();
        attempt(() => operation(tx, simulation));
        simulation.switchOff();
        tx.put(other, 'second', 'value');
      }),
    );
    simulation.switchOff();
    expect(outcome.code).toBe('ERR_MANIFOLD_IO');
    expect(database.lastCommitted).toBe(last);
    expect(other.count()).toBe(0);
    expect(database.count()).toBe(KEYS);
    await host.run(database.put('after', 'value'));
    await expectSameAfterCrash(simulation);
  });

  it('is undone by a savepoint', async () => {
    const simulation = await openFaulty([noReads], PAGES, { disk: await coldDisk(), seed: SEED });
    const { database, host } = simulation;
    const other = database.columnFamily('other');
    await host.run(
      database.write((tx) => {
        tx.put(other, 'first', 'value');
        const savepoint = tx.savepoint();
        simulation.switchOn();
        expect(attempt(() => operation(tx, simulation))).toMatchObject({ code: 'ERR_MANIFOLD_IO' });
        simulation.switchOff();
        tx.rollbackTo(savepoint);
        tx.put(other, 'second', 'value');
      }),
    );
    expect([...other.keys()]).toEqual(['first', 'second']);
    expect(database.count()).toBe(KEYS);
    await expectSameAfterCrash(simulation);
  });

  it('fails the optimistic transaction as well', async () => {
    const simulation = await openFaulty([noReads], PAGES, { disk: await coldDisk(), seed: SEED });
    const { database, host } = simulation;
    const other = database.columnFamily('other');
    const outcome = await settle(host, () =>
      database.transaction(async (tx) => {
        tx.put(other, 'first', 'value');
        simulation.switchOn();
        attempt(() => operation(tx, simulation));
        simulation.switchOff();
        await Promise.resolve();
        tx.put(other, 'second', 'value');
      }),
    );
    expect(outcome.code).toBe('ERR_MANIFOLD_IO');
    expect(other.count()).toBe(0);
    expect(database.stats().oldestSnapshot).toBeUndefined();
    await expectSameAfterCrash(simulation);
  });
});

describe.each([
  ['no room', noPages, 'ERR_MANIFOLD_FULL'],
  ['a broken disk', badPages, 'ERR_MANIFOLD_IO'],
] as const)('%s for pages that a transaction writes early', (_name, rule, code) => {
  it('refuses a large value', async () => {
    const simulation = await openFaulty([rule], {}, { seed: SEED });
    const { database, host } = simulation;
    await host.run(database.put('small', 'value'));
    simulation.switchOn();
    for (let i = 0; i < 3; i++) {
      const outcome = await settle(host, () => database.put(`large-${i}`, 'x'.repeat(3_000_000)));
      expect(outcome.code).toBe(code);
    }
    expect([...database.keys()]).toEqual(['small']);
    await host.run(database.put('small', 'other'));
    simulation.switchOff();
    await host.run(database.put('large', 'x'.repeat(3_000_000)));
    expect(database.lastCommitted).toBe(3);
    await expectSameAfterCrash(simulation);
    await host.run(database.close());
    await expectSameClosed(simulation.disk, 2);
  });

  it('refuses many small ones, though the callback swallows every error', async () => {
    const simulation = await openFaulty([rule], {}, { seed: SEED });
    const { database, host } = simulation;
    await host.run(database.put('small', 'value'));
    simulation.switchOn();
    const outcome = await settle(host, () =>
      database.write((tx) => {
        for (let i = 0; i < 1000; i++) {
          attempt(() => tx.put(database.defaultFamily, key(i), 'z'.repeat(3000)));
        }
      }),
    );
    expect(outcome.code).toBe(code);
    expect([...database.keys()]).toEqual(['small']);
    simulation.switchOff();
    await host.run(database.put('after', 'value'));
    await expectSameAfterCrash(simulation);
  });
});

async function expectSameClosed(disk: SimulatedDisk, count: number): Promise<void> {
  const { database } = await openSimulation(disk.crash({ keep: 'none' }), SEED, READ_ONLY_LARGE);
  expect(database.count()).toBe(count);
  expect(database.stats().recovery.commitsReplayed).toBe(0);
}

describe('a transaction that is refused for its size', () => {
  it('may be committed with what it had before', async () => {
    const simulation = await openFaulty([], { cacheBytes: 16 * 1024 * 1024 }, { seed: SEED });
    const { database, host } = simulation;
    let accepted = 0;
    await host.run(
      database.write((tx) => {
        for (let i = 0; i < 40; i++) {
          const error = attempt(() => tx.put(database.defaultFamily, key(i), LARGE));
          if (error === undefined) accepted++;
          else expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
    expect(accepted).toBeGreaterThan(10);
    expect(accepted).toBeLessThan(40);
    expect(database.count()).toBe(accepted);
    await expectSameAfterCrash(simulation);
  });
});

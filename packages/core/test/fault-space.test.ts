/**
 * The disk is full. Log space is prepared and synced before a commit gets its sequence, so running
 * out of it refuses commits that have none yet: ERR_MANIFOLD_FULL, nothing written, no gap in the
 * sequences, and commits work again once there is room. A checkpoint that finds no room for its
 * pages waits for it while commits go on. Nothing of this poisons the database.
 */
import { LOG_FULL, MIB, errnoError, type FaultRule } from '@manifold-db/storage';
import { describe, expect } from 'vitest';
import { openFaulty, runSteps, settle, type FaultySimulation } from './support/faults.js';
import { READ_ONLY_LARGE, openSimulation } from './support/simulator.js';
import { inBuildModes } from './support/modes.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261127);
const LARGE = 'x'.repeat(300_000);
const TRIES = 400;

const noSegments: FaultRule = { operation: 'write', pathIncludes: 'wal-new', errno: 'ENOSPC' };
const noPages: FaultRule = { operation: 'write', pathIncludes: 'data.manifold', errno: 'ENOSPC' };

/** Puts one value after the other until one is refused; the number of the last one that was not. */
async function fillUp({ database, host }: FaultySimulation, value = LARGE): Promise<number> {
  for (let i = 1; i <= TRIES; i++) {
    const { code } = await settle(host, () => database.put(`key-${i}`, value));
    if (code === undefined) continue;
    expect(code).toBe('ERR_MANIFOLD_FULL');
    return i - 1;
  }
  throw new Error('the disk is never full');
}

/** Until a put is taken again; the other threads notice new room after a while. */
async function putAgain({ database, host }: FaultySimulation, value = LARGE): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    const { code } = await settle(host, () => database.put('again', value));
    if (code === undefined) return;
    expect(code).toBe('ERR_MANIFOLD_FULL');
    await runSteps(host, 200);
  }
  throw new Error('commits do not work again');
}

async function expectAfterCrash({ disk }: FaultySimulation, keys: number, last: number) {
  for (const left of [disk.crash({ keep: 'none' }), disk.snapshot()]) {
    const { database } = await openSimulation(left, SEED, READ_ONLY_LARGE);
    expect(database.lastCommitted).toBe(last);
    expect(database.count()).toBe(keys);
  }
}

describe('no room for the log', () => {
  inBuildModes('refuses commits that have no sequence yet, until there is room', async () => {
    const simulation = await openFaulty([noSegments], {}, { seed: SEED });
    const { database, host } = simulation;
    await runSteps(host, 200);
    simulation.switchOn();
    const accepted = await fillUp(simulation);
    expect(accepted).toBeGreaterThan(2);
    expect(database.lastCommitted).toBe(accepted);
    expect(database.count()).toBe(accepted);
    expect(database.stats().failure).toBeUndefined();
    // Reads, and the sync of what was admitted, go on.
    await host.run(database.waitForSync());
    expect(database.get('key-1')).toBe(LARGE);
    simulation.switchOff();
    await putAgain(simulation);
    expect(database.lastCommitted).toBe(accepted + 1);
    await expectAfterCrash(simulation, accepted + 1, accepted + 1);
    await host.run(database.close());
    await expectAfterCrash(simulation, accepted + 1, accepted + 1);
  });

  inBuildModes('ends with a checkpoint, which lets segments be used again', async () => {
    const simulation = await openFaulty([noSegments], {}, { seed: SEED });
    const { database, host } = simulation;
    await runSteps(host, 200);
    simulation.switchOn();
    const accepted = await fillUp(simulation);
    await host.run(database.checkpoint());
    await putAgain(simulation);
    expect(database.lastCommitted).toBe(accepted + 1);
    expect(database.stats().failure).toBeUndefined();
    await expectAfterCrash(simulation, accepted + 1, accepted + 1);
  });

  inBuildModes(
    'refuses a transaction that is too large for what is left, and takes a smaller one',
    async () => {
      // Pages have no room either: a checkpoint would let segments be used again.
      const options = { cacheBytes: 16 * MIB };
      const simulation = await openFaulty([noSegments, noPages], options, { seed: SEED });
      const { database, host } = simulation;
      await runSteps(host, 200);
      simulation.switchOn(0);
      simulation.switchOn(1);
      // Below the size that is written to the data file at once.
      const value = 'x'.repeat(200_000);
      const FIRST = 12;
      for (let i = 0; i < FIRST; i++) await host.run(database.put('small', value));
      const large = await settle(host, () =>
        database.write((tx) => {
          const family = database.defaultFamily;
          for (let i = 0; i < 29; i++) tx.put(family, `large-${i}`, value);
        }),
      );
      expect(large.code).toBe('ERR_MANIFOLD_FULL');
      expect([...database.keys()]).toEqual(['small']);
      await host.run(database.put('small', 'other'));
      await expectAfterCrash(simulation, 1, FIRST + 1);
    },
  );
});

describe('no room for pages', () => {
  inBuildModes('holds a checkpoint up, not the commits', async () => {
    const simulation = await openFaulty([noPages], {}, { seed: SEED });
    const { database, host } = simulation;
    for (let i = 0; i < 10; i++) await host.run(database.put(`key-${i}`, 'value'.padEnd(500)));
    simulation.switchOn();
    let isDone = false;
    const checkpoint = database.checkpoint().then(() => {
      isDone = true;
    });
    for (let i = 10; i < 30; i++) await host.run(database.put(`key-${i}`, 'value'.padEnd(500)));
    expect(isDone).toBe(false);
    expect(database.stats().failure).toBeUndefined();
    await expectAfterCrash(simulation, 30, 30);
    simulation.switchOff();
    await host.run(checkpoint);
    expect(database.stats().sequences.checkpointed).toBeGreaterThanOrEqual(10);
    await expectAfterCrash(simulation, 30, 30);
  });

  inBuildModes('holds it up at its meta page as well', async () => {
    const simulation = await openFaulty([], {}, { seed: SEED });
    const { database, host, disk } = simulation;
    await host.run(database.put('key', 'value'));
    disk.onOperation = (_index, description) => {
      if (/^write \/db\/data\.manifold (0|4096)\+/.test(description)) {
        throw errnoError('ENOSPC', 'write', '/db/data.manifold');
      }
    };
    let isDone = false;
    const checkpoint = database.checkpoint().then(() => {
      isDone = true;
    });
    await runSteps(host, 300);
    expect(isDone).toBe(false);
    expect(Atomics.load(host.shared!.logSpace, LOG_FULL)).toBe(1);
    disk.onOperation = undefined;
    await host.run(checkpoint);
    expect(database.stats().sequences.checkpointed).toBe(1);
    expect(Atomics.load(host.shared!.logSpace, LOG_FULL)).toBe(0);
  });

  inBuildModes(
    'does not keep the database from being closed: the log has what is missing',
    async () => {
      const simulation = await openFaulty([noPages], {}, { seed: SEED });
      const { database, host } = simulation;
      for (let i = 0; i < 10; i++) await host.run(database.put(`key-${i}`, 'value'));
      simulation.switchOn();
      expect(await settle(host, () => database.close())).toEqual({ value: undefined });
      await expectAfterCrash(simulation, 10, 10);
    },
  );

  inBuildModes(
    'refuses commits once nothing more fits into memory, until there is room',
    async () => {
      const simulation = await openFaulty([noPages], {}, { seed: SEED });
      const { database } = simulation;
      simulation.switchOn();
      const accepted = await fillUp(simulation, 'y'.repeat(3000));
      expect(accepted).toBeGreaterThan(20);
      expect(database.lastCommitted).toBe(accepted);
      expect(database.stats().failure).toBeUndefined();
      simulation.switchOff();
      await putAgain(simulation, 'y'.repeat(3000));
      await expectAfterCrash(simulation, accepted + 1, accepted + 1);
    },
  );

  inBuildModes(
    'refuses a transaction that is larger than the cache, and nothing else',
    async () => {
      const simulation = await openFaulty([noPages], {}, { seed: SEED });
      const { database, host } = simulation;
      await host.run(database.put('small', 'value'));
      simulation.switchOn();
      const large = await settle(host, () =>
        database.write((tx) => {
          for (let i = 0; i < 800; i++) {
            tx.put(database.defaultFamily, `large-${i}`, 'z'.repeat(3000));
          }
        }),
      );
      expect(large.code).toBe('ERR_MANIFOLD_FULL');
      expect([...database.keys()]).toEqual(['small']);
      await host.run(database.put('small', 'other'));
      expect(database.stats().failure).toBeUndefined();
      await expectAfterCrash(simulation, 1, 2);
    },
  );
});

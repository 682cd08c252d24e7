/**
 * A sync fails, the program opens the database again, as the error tells it to, and goes on; then
 * the power fails. What the failed sync was to make durable reads like everything else meanwhile,
 * and no later sync puts it on the disk: only writing it once more does.
 */
import type { FaultRule, SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openFaulty, settle } from './support/faults.js';
import { inModes } from './support/modes.js';
import { READ_ONLY, openSimulation, type Simulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261130);
const LOG: FaultRule = { operation: 'dataSync', pathIncludes: 'wal-0', errno: 'EIO', times: 1 };
const DATA: FaultRule = { operation: 'sync', pathIncludes: 'data.manifold', errno: 'EIO' };
/** A few of them fill a segment of the log. */
const LARGE = 'x'.repeat(100_000);
const LARGE_COMMITS = 40;

async function keysAfterPowerLoss(disk: SimulatedDisk): Promise<string[]> {
  const left = disk.crash({ keep: 'none' });
  const options = { ...READ_ONLY, cacheBytes: 64 * 1024 * 1024 };
  const { database } = await openSimulation(left, SEED, options);
  return [...database.keys()];
}

function put({ database, host }: Simulation, key: string, value = 'value') {
  return settle(host, () => database.put(key, value));
}

describe('a failed sync of the log, a reopening, a power loss', () => {
  inModes('keep every commit that was acknowledged', async (mode) => {
    for (const syncsBefore of [0, 1, 2]) {
      const rule = { ...LOG, afterCalls: syncsBefore };
      const failing = await openFaulty([rule], { mode }, { seed: SEED });
      const acknowledged: string[] = [];
      failing.switchOn();
      for (let i = 0; i <= syncsBefore; i++) {
        const { code } = await put(failing, `before-${i}`);
        if (code === undefined) acknowledged.push(`before-${i}`);
        else expect(code).toBe('ERR_MANIFOLD_INDETERMINATE');
      }
      expect(acknowledged).toHaveLength(syncsBefore);
      await settle(failing.host, () => failing.database.close());

      const again = await openSimulation(failing.disk, SEED + 1, { mode });
      for (let i = 0; i < 3; i++) {
        expect((await put(again, `after-${i}`)).code).toBeUndefined();
        acknowledged.push(`after-${i}`);
        expect(await keysAfterPowerLoss(failing.disk)).toEqual(
          expect.arrayContaining(acknowledged),
        );
      }
      await again.host.run(again.database.close());
      expect(await keysAfterPowerLoss(failing.disk)).toEqual(expect.arrayContaining(acknowledged));
    }
  });
});

describe('a failed sync of the meta page, a reopening, a power loss', () => {
  it.each([0, 1])('keep every commit, after %i syncs of a checkpoint', async (afterCalls) => {
    const rule = { ...DATA, afterCalls };
    const options = { checkpointIntervalMs: 0, cacheBytes: 64 * 1024 * 1024 };
    const failing = await openFaulty([rule], options, { seed: SEED });
    for (let i = 0; i < LARGE_COMMITS; i++) await put(failing, `before-${i}`, LARGE);
    failing.switchOn();
    const checkpoint = await settle(failing.host, () => failing.database.checkpoint());
    expect(checkpoint.code).toBe('ERR_MANIFOLD_POISONED');
    await settle(failing.host, () => failing.database.close());

    // Segments that the checkpoint covers are recycled.
    const again = await openSimulation(failing.disk, SEED + 1, options);
    for (let i = 0; i < LARGE_COMMITS; i++) {
      expect((await put(again, `after-${i}`, LARGE)).code).toBeUndefined();
    }
    expect(await keysAfterPowerLoss(failing.disk)).toHaveLength(2 * LARGE_COMMITS);
  });
});

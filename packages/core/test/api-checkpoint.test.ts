/**
 * `checkpoint()` covers everything that was committed when it was called, however far behind the
 * apply worker is at that moment. On the simulator, where a seed decides that.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { MODES } from './support/modes.js';
import { openSimulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261211);
const SEEDS = 12;
const COMMITS = 8;

describe.each(MODES)(`mode %s, seed ${SEED}`, (mode) => {
  it('has the last commit in the checkpoint', async () => {
    for (let seed = SEED; seed < SEED + SEEDS; seed++) {
      const { database, host } = await openSimulation(new SimulatedDisk(), seed, { mode });
      for (let at = 0; at < COMMITS; at++) {
        const put = database.put(`k${at % 7}`, String(at), { durability: 'immediate' });
        if (at % 3 !== 0) await host.run(put);
        const called = database.lastCommitted;
        await host.run(database.checkpoint());
        const { checkpointed } = database.stats().sequences;
        expect(checkpointed, `seed ${seed}, commit ${at}`).toBeGreaterThanOrEqual(called);
        await host.run(put);
      }
      await host.run(database.close());
    }
  });
});

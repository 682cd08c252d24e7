/**
 * Recovery that is itself cut off. A database that has everything recovery can meet (commits above
 * the checkpoint, a torn tail, segments to cut and to prepare, values larger than the ring, dropped
 * and re-created families) is opened, and the power fails before every single operation of that,
 * and of the orderly close after it. Whatever is left recovers to the very same state.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import type { CommitMode } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { readState, runHistory, type HistoryRun, type ModelState } from './support/history.js';
import { MODES } from './support/modes.js';
import { READ_ONLY_LARGE, openSimulation, randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261201);
const LIMIT_MS = 120_000;

/** Disks left behind in the middle of a history, with different tails. */
async function crashedDisks(
  mode: CommitMode,
): Promise<{ run: HistoryRun; disks: SimulatedDisk[] }> {
  const disk = new SimulatedDisk();
  const random = randomFrom(SEED);
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const disks: SimulatedDisk[] = [];
  const simulation = await openSimulation(disk, SEED, { mode });
  disk.onOperation = (index, description) => {
    // Within a group of the log that is written and not synced, long after the last checkpoint.
    const isGroup = /dataSync .*wal-/.test(description);
    if (!isGroup || index % 13 !== 0) return;
    disks.push(disk.crash({ random }), disk.crash({ keep: 'all' }));
  };
  const options = { commits: 120, seed: SEED, checkpointEvery: 45, largeBytes: 600_000 };
  await runHistory(simulation, options, run);
  return { run, disks };
}

/** Every state that a crash during the recovery of `disk`, and the close after it, leaves. */
async function crashesOfRecovery(disk: SimulatedDisk, mode: CommitMode): Promise<SimulatedDisk[]> {
  const crashes: SimulatedDisk[] = [];
  const working = disk.crash({ keep: 'all' });
  let isDurableChanged = true;
  working.onOperation = (_index, description) => {
    const pending = working.pendingWrites();
    if (isDurableChanged) crashes.push(working.crash({ keep: 'none' }));
    isDurableChanged = /sync/i.test(description);
    // The newest write alone, without what was written before it.
    const newest = pending[pending.length - 1];
    if (newest !== undefined) crashes.push(working.crash({ keepOnly: newest.index }));
  };
  const { database, host } = await openSimulation(working, SEED, { mode });
  await host.run(database.close());
  return crashes;
}

async function stateOf(disk: SimulatedDisk): Promise<{ last: number; state: ModelState }> {
  const { database } = await openSimulation(disk, SEED, READ_ONLY_LARGE);
  return { last: database.lastCommitted, state: readState(database) };
}

describe.each(MODES)(`%s: recovery, seed ${SEED}`, (mode) => {
  it('may be cut off anywhere', { timeout: LIMIT_MS }, async () => {
    const { run, disks } = await crashedDisks(mode);
    expect(disks.length).toBeGreaterThan(3);
    let cuts = 0;
    for (const disk of disks.slice(0, 4)) {
      const before = await stateOf(disk);
      expect(before.state).toEqual(run.states[before.last]);
      const crashes = await crashesOfRecovery(disk, mode);
      expect(crashes.length).toBeGreaterThan(4);
      cuts += crashes.length;
      for (const [i, crash] of crashes.entries()) {
        const after = await stateOf(crash);
        expect(after.last, `crash ${i} of the recovery, seed ${SEED}`).toBe(before.last);
        expect(after.state).toEqual(before.state);
      }
    }
    expect(cuts).toBeGreaterThan(40);
  });
});

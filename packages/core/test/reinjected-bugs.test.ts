/**
 * Bugs of the original, put back behind a test switch: each must be caught by the crash-state
 * checks (or, for the lost leader, by the scheduler, which sees that nobody moves any more). A
 * check that stays green here could not fail.
 */
import {
  InvariantError,
  MIB,
  SimulatedDisk,
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_LOST_LEADER,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  TEST_SWITCH_RECYCLE_EARLY,
  TEST_SWITCH_REUSE_EARLY,
  createFaultVfs,
  type FaultRule,
} from '@manifold-db/storage';
import { describe, expect } from 'vitest';
import {
  collectCrashes,
  crashProblems,
  dropEach,
  dropUnsynced,
  type CollectOptions,
  type TakeStates,
} from './support/crash-states.js';
import { READ_ONLY, READ_ONLY_LARGE, openSimulation } from './support/simulator.js';
import { inBuildModes } from './support/modes.js';

const SEEDS = [1, 2, 3, 4, 5, 6];
const LIMIT_MS = 300_000;

const DEFAULTS = { commits: 100, checkpointEvery: 10 };

/** Only before operations on the data file: that is where its pages can be lost. */
const atDataFile: TakeStates = (disk, place, acknowledged) =>
  place.includes('data.manifold') ? dropUnsynced(disk, place, acknowledged) : [];

const dropEachPage: TakeStates = (disk, place, acknowledged) =>
  place.includes('data.manifold') ? dropEach(disk, place, acknowledged) : [];

/** Before a directory is synced: a segment was just made or recycled. */
const atSegments: TakeStates = (disk, place, acknowledged) =>
  place.includes('syncDirectory') ? dropUnsynced(disk, place, acknowledged) : [];

/** A broken invariant that the engine itself notices counts as caught, too. */
async function problemWith(take: TakeStates, options: CollectOptions): Promise<string | undefined> {
  try {
    const { run, crashes } = await collectCrashes(take, options);
    const [problem] = await crashProblems(run, crashes, 1, READ_ONLY_LARGE);
    return problem;
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    throw error;
  }
}

/** The first problem that a few seeds find; without the bug the same run has none. */
async function findProblem(
  take: TakeStates,
  bugs: number,
  options: Partial<CollectOptions> = {},
): Promise<string | undefined> {
  for (const seed of SEEDS) {
    const problem = await problemWith(take, { seed, bugs, ...DEFAULTS, ...options });
    if (problem === undefined) continue;
    const sound = await problemWith(take, { seed, ...DEFAULTS, ...options });
    return sound === undefined ? problem : `without the bug: ${sound}`;
  }
  return undefined;
}

describe('a bug of the original, put back', { timeout: LIMIT_MS }, () => {
  inBuildModes('B1: acknowledges what was written during the sync', async () => {
    const problem = await findProblem(dropUnsynced, TEST_SWITCH_OVER_ACKNOWLEDGE);
    expect(problem).toMatch(/^(?!without).*(is lost|synced <= written)/);
  });

  inBuildModes('B4: recycles log segments that are still needed', async () => {
    // The log goes on into the next segments while a checkpoint runs.
    const open = { cacheBytes: 8 * MIB };
    const options = { commits: 60, checkpointEvery: 6, largeBytes: 100_000, largeShare: 0.5, open };
    const problem = await findProblem(atSegments, TEST_SWITCH_RECYCLE_EARLY, options);
    expect(problem).toMatch(/^(?!without).*(the log segment is missing|is lost)/);
  });

  inBuildModes('B7: writes the meta before the pages are synced', async () => {
    const problem = await findProblem(dropEachPage, TEST_SWITCH_PAGES_NOT_SYNCED);
    expect(problem).toMatch(/^(?!without).*(checksum|its parent expects|page \d+)/);
  });

  inBuildModes('B8: reuses pages of the durable checkpoint', async () => {
    // Nobody commits while a checkpoint runs, so that its pages are not superseded under it. The
    // commits between two checkpoints do that, and take their numbers; the second checkpoint then
    // writes them, and power fails before its meta page is durable.
    const options = { commits: 90, checkpointEvery: 30, waitsForCheckpoints: true };
    const problem = await findProblem(atDataFile, TEST_SWITCH_REUSE_EARLY, options);
    expect(problem).toMatch(/^(?!without).*(its parent expects|checksum|differs)/);
  });
});

const syncFails: FaultRule = {
  operation: 'dataSync',
  pathIncludes: 'wal-',
  afterCalls: 3,
  errno: 'EIO',
};

const writeFails: FaultRule = {
  operation: 'write',
  pathIncludes: 'wal-0000000001',
  afterCalls: 3,
  times: 1,
  partialBytes: 40,
  errno: 'EIO',
};

/** Commits one by one; the error that ended it, or how many were acknowledged. */
async function commitUntilFailure(rule: FaultRule, bugs: number) {
  const disk = new SimulatedDisk();
  const gate = new SharedArrayBuffer(4);
  const vfs = createFaultVfs(disk.vfs(), [{ ...rule, gate }]);
  const { database, host } = await openSimulation(disk, 1, {}, { vfs });
  host.switchBugsOn(bugs);
  new Int32Array(gate)[0] = 1;
  let acknowledged = 0;
  try {
    for (let i = 0; i < 20; i++) {
      const commit = database.put(`key-${i}`, 'value');
      commit.catch(() => {});
      ({ sequence: acknowledged } = await host.run(commit));
    }
  } catch (error) {
    return { disk, acknowledged, error: error as Error & { code?: string } };
  }
  return { disk, acknowledged, error: undefined };
}

describe('a failing log, with a bug of the original put back', () => {
  inBuildModes('B3: a failed sync wakes nobody', async () => {
    const sound = await commitUntilFailure(syncFails, 0);
    expect(sound.error?.code).toBe('ERR_MANIFOLD_INDETERMINATE');
    const buggy = await commitUntilFailure(syncFails, TEST_SWITCH_LOST_LEADER);
    expect(buggy.error?.message).toMatch(/stuck/);
  });

  inBuildModes('B9: goes on behind the garbage of a failed write', async () => {
    const sound = await commitUntilFailure(writeFails, 0);
    expect(sound.error?.code).toBe('ERR_MANIFOLD_INDETERMINATE');
    const buggy = await commitUntilFailure(writeFails, TEST_SWITCH_APPEND_BEHIND_GARBAGE);
    expect(buggy.error).toBeUndefined();
    expect(buggy.acknowledged).toBe(20);
    let last = 0;
    try {
      const { database } = await openSimulation(buggy.disk.crash({ keep: 'all' }), 1, READ_ONLY);
      last = database.lastCommitted;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT' });
    }
    expect(last).toBeLessThan(buggy.acknowledged);
  });
});

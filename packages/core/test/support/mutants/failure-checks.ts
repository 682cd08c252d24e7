/**
 * Checks of what a caller is told: by failing disks, by callbacks that throw, by durabilities, and
 * by threads that sleep. Test thread.
 */
import { SimulatedDisk, createFaultVfs, type FaultRule } from '@manifold-db/storage';
import { openSmallWith } from '../api-database.js';
import { outcomeOf, runSteps, settle, type Outcome } from '../faults.js';
import { READ_ONLY, openSimulation, randomFrom } from '../simulator.js';
import { problemOrBreak, type Check, type Trial } from './mutant.js';

const COMMITS = 20;

const SYNC_FAILS: FaultRule = {
  operation: 'dataSync',
  pathIncludes: 'wal-',
  afterCalls: 3,
  errno: 'EIO',
};

const WRITE_FAILS: FaultRule = {
  operation: 'write',
  pathIncludes: 'wal-0000000001',
  afterCalls: 3,
  times: 1,
  partialBytes: 40,
  errno: 'EIO',
};

/** Commit after commit, `atOnce` under way; what became of each, and what the disk holds then. */
async function commitUntilFailure(rule: FaultRule, { seed, mode, switches }: Trial, atOnce = 1) {
  const disk = new SimulatedDisk();
  const gate = new SharedArrayBuffer(4);
  const vfs = createFaultVfs(disk.vfs(), [{ ...rule, gate }]);
  const environment = { vfs, testSwitches: switches };
  const { database, host } = await openSimulation(disk, seed, { mode }, environment);
  new Int32Array(gate)[0] = 1;
  const outcomes: Outcome<{ sequence: number }>[] = [];
  while (outcomes.length < COMMITS) {
    const group = Array.from({ length: atOnce }, (_, i) =>
      outcomeOf(Promise.resolve().then(() => database.put(`key-${outcomes.length + i}`, 'value'))),
    );
    outcomes.push(...(await host.run(Promise.all(group))));
  }
  return { disk, outcomes };
}

/** After the failure nothing is acknowledged, and who waits is told. */
function failureCheck(name: string, rule: FaultRule): Check {
  const run = (trial: Trial) =>
    problemOrBreak(async () => {
      const { disk, outcomes } = await commitUntilFailure(rule, trial);
      const acknowledged = outcomes.filter(({ error }) => error === undefined).length;
      const last = await lastIn(disk.crash({ keep: 'all' }));
      if (last >= acknowledged) return undefined;
      return `commit ${acknowledged} was acknowledged and is lost, ${last} is the last`;
    });
  return { name, run };
}

async function lastIn(disk: SimulatedDisk): Promise<number> {
  try {
    const { database } = await openSimulation(disk, 1, READ_ONLY);
    return database.lastCommitted;
  } catch {
    return 0;
  }
}

export const failingSync = failureCheck('a sync that fails', SYNC_FAILS);
export const failingWrite = failureCheck('a log write that fails half-way', WRITE_FAILS);

/** Who is not told that a commit may be there must not find it after reopening. */
export const refusedCommits: Check = {
  name: 'commits refused by a failing sync',
  run: async (trial) => {
    const { disk, outcomes } = await commitUntilFailure(SYNC_FAILS, trial, 4);
    const state = disk.crash({ keep: 'all' });
    const { database } = await openSimulation(state, 1, READ_ONLY);
    const back = outcomes.findIndex(({ code }, i) => {
      const isRefused = code !== undefined && code !== 'ERR_MANIFOLD_INDETERMINATE';
      return isRefused && database.get(`key-${i}`) !== undefined;
    });
    if (back < 0) return undefined;
    return `commit ${back + 1} was refused (${outcomes[back]!.code}) and is there after reopening`;
  },
};

/** A callback that throws half-way leaves nothing. */
export const throwingCallback: Check = {
  name: 'a callback that throws',
  run: ({ seed, mode, switches }) =>
    problemOrBreak(async () => {
      const disk = new SimulatedDisk();
      const environment = { testSwitches: switches };
      const { database, host } = await openSimulation(disk, seed, { mode }, environment);
      const { error } = await settle(host, () =>
        database.write((tx) => {
          tx.put(database.columnFamily('default'), 'half', 'value');
          throw new Error('thrown half-way');
        }),
      );
      if (error?.message !== 'thrown half-way') return `the caller got ${String(error)}`;
      await host.run(database.put('whole', 'value'));
      if (database.get('half') !== undefined) return 'half of a failed transaction is visible';
      const state = disk.crash({ keep: 'none' });
      const again = await openSimulation(state, seed, READ_ONLY);
      if (again.database.get('half') === undefined) return undefined;
      return 'half of a failed transaction is there after reopening';
    }),
};

/** Promises that have all they wait for are kept after so many turns. */
const MICROTASK_TURNS = 20;
const IDLE_STEPS = 300;

/** While no other thread moves, commits of durability `none` are acknowledged. */
export const stillDisk: Check = {
  name: 'a disk that does not move',
  run: async ({ seed, mode, switches }) => {
    const environment = { testSwitches: switches };
    const { database, host } = await openSimulation(
      new SimulatedDisk(),
      seed,
      { mode },
      environment,
    );
    // The log has room by then, and everybody rests.
    await host.run(database.put('before', 'value'));
    await runSteps(host, IDLE_STEPS);
    let isKept = false;
    const commit = database.put('key', 'value', { durability: 'none' }).then(() => {
      isKept = true;
    });
    for (let turn = 0; turn < MICROTASK_TURNS; turn++) await Promise.resolve();
    const inTime = isKept;
    await host.run(commit);
    return inTime ? undefined : 'a commit of durability none waits for other threads';
  },
};

const SLEEPY_COMMITS = 300;
const PAUSE_MS = 8;
/** With the bug: no commit takes that long. Without it there is no limit. */
const ASLEEP_MS = 4000;

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Real threads, commits with pauses: the fsync worker falls asleep between any two. */
export const sleepingThread: Check = {
  name: 'commits to a thread that falls asleep',
  run: async ({ seed, mode, switches }) => {
    const database = await openSmallWith({ testSwitches: switches }, { mode });
    const random = randomFrom(seed);
    for (let i = 1; i <= SLEEPY_COMMITS; i++) {
      let isKept = false;
      const commit = database.put(`key-${i}`, 'value').then(() => {
        isKept = true;
      });
      await (switches === 0 ? commit : Promise.race([commit, after(ASLEEP_MS)]));
      if (!isKept) {
        // Closing rings every bell: that is all that was missing.
        await database.close();
        await commit;
        return `commit ${i} was acknowledged only once another bell rang`;
      }
      await after(random() * PAUSE_MS);
    }
    await database.close();
    return undefined;
  },
};

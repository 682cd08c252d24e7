/**
 * Checks by power loss: a history runs with the bug in the engine, power is cut at places of its
 * choice, and what recovers must be a prefix of the commits with every acknowledged one. Test
 * thread.
 */
import { MIB, META_PAGE_COUNT, SimulatedDisk } from '@manifold-db/storage';
import {
  collectCrashes,
  crashProblems,
  dropEach,
  dropUnsynced,
  type CollectOptions,
  type TakeStates,
} from '../crash-states.js';
import { crashProblem } from '../crash-check.js';
import { DATA_PATH, overwrite } from '../files.js';
import { runHistory, type HistoryRun } from '../history.js';
import { READ_ONLY_LARGE, openSimulation } from '../simulator.js';
import { problemOrBreak, type Check, type Trial } from './mutant.js';

const PAGE_BYTES = 4096;
const GARBAGE = new Uint8Array(PAGE_BYTES).fill(0xa5);

type HistoryShape = Partial<CollectOptions>;

const ORDINARY: HistoryShape = { commits: 100, checkpointEvery: 10 };
/** Fills segment after segment, so that checkpoints give some up. */
const LARGE: HistoryShape = {
  commits: 60,
  checkpointEvery: 6,
  largeBytes: 100_000,
  largeShare: 0.5,
  open: { cacheBytes: 8 * MIB },
};
/**
 * Nobody commits while a checkpoint runs, so that its pages are not superseded under it. The
 * commits between two checkpoints do that, and take their numbers; the second checkpoint then
 * writes them, and power fails before its meta page is durable.
 */
const QUIET: HistoryShape = { commits: 90, checkpointEvery: 30, waitsForCheckpoints: true };

function crashCheck(name: string, take: TakeStates, shape: HistoryShape): Check {
  const run = ({ seed, mode, switches, wrap }: Trial) =>
    problemOrBreak(async () => {
      const options = { commits: 100, ...shape, seed, mode, bugs: switches };
      const wrapped = wrap === undefined ? options : { ...options, wrap };
      const collected = await collectCrashes(take, wrapped);
      const [problem] = await crashProblems(collected.run, collected.crashes, 1, READ_ONLY_LARGE);
      return problem;
    });
  return { name, run };
}

/** Takes the states only before operations that touch this. */
function before(place: string, take: TakeStates): TakeStates {
  return (disk, description, acknowledged) =>
    description.includes(place) ? take(disk, description, acknowledged) : [];
}

/** Power fails in the middle of the write of a meta page: what was there is not readable. */
const garbleMeta: TakeStates = (disk, place, acknowledged) => {
  const metas = disk.pendingWrites().flatMap(({ description }) => {
    const offset = /^write \/db\/data\.manifold (\d+)\+/.exec(description)?.[1];
    return offset === undefined ? [] : [Number(offset)];
  });
  return metas
    .filter((offset) => offset < META_PAGE_COUNT * PAGE_BYTES)
    .map((offset) => {
      const state = disk.crash({ keep: 'all' });
      overwrite(state, DATA_PATH, GARBAGE, offset);
      return { disk: state, place: `${place}, meta page unreadable`, acknowledged };
    });
};

export const unsyncedBytes = crashCheck('power loss, unsynced bytes gone', dropUnsynced, ORDINARY);

export const singlePages = crashCheck(
  'power loss, one page missing',
  before('data.manifold', dropEach),
  ORDINARY,
);

export const quietCheckpoints = crashCheck(
  'power loss during checkpoints',
  before('data.manifold', dropUnsynced),
  QUIET,
);

export const fullSegments = crashCheck(
  'power loss before a directory is synced',
  before('syncDirectory', dropUnsynced),
  LARGE,
);

export const unsyncedNames = crashCheck('power loss, full log segments', dropUnsynced, LARGE);

export const halfMetas = crashCheck(
  'power loss in the write of a meta page',
  before('sync /db/data.manifold', garbleMeta),
  LARGE,
);

const LONG_COMMITS = 250;
const LONG_OPEN = { cacheBytes: 8 * MIB };

/** A long history with dropped and created families; power fails at its end. */
async function crashAtEnd({ seed, mode }: Trial, switches: number, checkpointEvery: number) {
  const disk = new SimulatedDisk();
  const simulation = await openSimulation(disk, seed, { mode, ...LONG_OPEN });
  simulation.host.switchBugsOn(switches);
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const shape = { seed, commits: LONG_COMMITS, checkpointEvery, waitsForCheckpoints: true };
  await runHistory(simulation, shape, run);
  return { run, state: disk.crash({ keep: 'none' }) };
}

/** The engine that crashes is sound; the one that recovers has the bug. */
export const longReplay: Check = {
  name: 'replay of a log with dropped families',
  run: async (trial) => {
    const { run, state } = await crashAtEnd(trial, 0, Infinity);
    const environment = { testSwitches: trial.switches };
    return crashProblem(state, run, run.acknowledged, LONG_OPEN, environment);
  },
};

/** Nothing but the checkpoint is left to recover from. */
export const lastCheckpoint: Check = {
  name: 'power loss right after a checkpoint',
  run: (trial) =>
    problemOrBreak(async () => {
      const { run, state } = await crashAtEnd(trial, trial.switches, LONG_COMMITS / 10);
      return crashProblem(state, run, run.acknowledged, LONG_OPEN);
    }),
};

/**
 * Checks of what recovery does with files that are not as they were: it returns every acknowledged
 * commit, or refuses with ERR_MANIFOLD_CORRUPT. The bug is in the engine that recovers. Test
 * thread.
 */
import {
  MIB,
  ManifoldError,
  SEGMENT_DATA_OFFSET,
  SimulatedDisk,
  readMetas,
  metaSlot,
  parseSegmentFileName,
  type Meta,
} from '@manifold-db/storage';
import { DATA_PATH, logFiles, overwrite, pathOf, readBytes, remove } from '../files.js';
import { readState, runHistory, type HistoryRun, type ModelState } from '../history.js';
import { READ_ONLY_LARGE, openSimulation, randomFrom } from '../simulator.js';
import type { Check, Trial } from './mutant.js';

const FLIPS = 40;
const PAGE_BYTES = 4096;
/** Steps in which an idle log gets its last watermark. */
const IDLE_STEPS = 300;

interface Left {
  readonly disk: SimulatedDisk;
  readonly state: ModelState;
}

/** Commits, some of them in a checkpoint, all acknowledged; then the process dies. */
async function killed({ seed, mode }: Trial, isCheckpointed: boolean): Promise<Left> {
  const disk = new SimulatedDisk();
  const simulation = await openSimulation(disk, seed, { mode });
  const run: HistoryRun = { states: [], acknowledged: 0 };
  await runHistory(simulation, { seed, commits: 60, checkpointEvery: 30 }, run);
  const { database, host } = simulation;
  await host.run(database.put('last', 'value'));
  if (isCheckpointed) await host.run(database.checkpoint());
  for (let i = 0; i < IDLE_STEPS; i++) host.stepOne();
  return { disk: disk.snapshot(), state: readState(database) };
}

/** Right data or a typed error: anything else is a problem. */
async function problemOf(disk: SimulatedDisk, state: ModelState, testSwitches: number) {
  try {
    const options = READ_ONLY_LARGE;
    const { database, host } = await openSimulation(disk, 1, options, { testSwitches });
    const found = readState(database);
    await host.run(database.close());
    if (found.join() === state.join()) return undefined;
    return `commits are lost without a word: ${found.length} entries, not ${state.length}`;
  } catch (error) {
    if (error instanceof ManifoldError && error.code === 'ERR_MANIFOLD_CORRUPT') return undefined;
    return `an error of no known kind: ${String(error)}`;
  }
}

function endOfBytes(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

async function flipBits(
  { disk, state }: Left,
  path: string,
  from: number,
  { seed, switches }: Trial,
): Promise<string | undefined> {
  const random = randomFrom(seed);
  const end = endOfBytes(readBytes(disk.vfs(), path));
  for (let i = 0; i < FLIPS; i++) {
    const hurt = disk.snapshot();
    const offset = from + Math.floor(random() * (end - from));
    hurt.flipBit(path, offset, i % 8);
    const problem = await problemOf(hurt, state, switches);
    if (problem !== undefined) return `bit ${i % 8} of byte ${offset} flipped: ${problem}`;
  }
  return undefined;
}

export const damagedLog: Check = {
  name: 'a flipped bit in the log',
  run: async (trial) => {
    const left = await killed(trial, false);
    const log = pathOf(logFiles(left.disk)[0]!);
    return flipBits(left, log, SEGMENT_DATA_OFFSET, trial);
  },
};

export const damagedPages: Check = {
  name: 'a flipped bit in the data file',
  run: async (trial) => flipBits(await killed(trial, true), DATA_PATH, 0, trial),
};

/** What the newest checkpoint does not need any more: its database may do without. */
function removeObsoleteLog(disk: SimulatedDisk, { walSegmentNumber }: Meta): void {
  for (const name of logFiles(disk)) {
    if (parseSegmentFileName(name)! < walSegmentNumber) remove(disk, pathOf(name));
  }
}

/** The older one is that of the creation, and the log that it needs is gone by then. */
export const damagedMeta: Check = {
  name: 'the newest meta page is damaged',
  run: async ({ seed, mode, switches }) => {
    const disk = new SimulatedDisk();
    const simulation = await openSimulation(disk, seed, { mode, cacheBytes: 8 * MIB });
    const { database, host } = simulation;
    const run: HistoryRun = { states: [], acknowledged: 0 };
    const shape = { seed, commits: 20, largeBytes: 100_000, largeShare: 0.5 };
    await runHistory(simulation, shape, run);
    // With the first checkpoint.
    await host.run(database.close());
    const file = disk.vfs().open(DATA_PATH, 'read');
    const { meta } = readMetas(file, DATA_PATH);
    file.close();
    removeObsoleteLog(disk, meta);
    const garbage = new Uint8Array(PAGE_BYTES).fill(0x11);
    overwrite(disk, DATA_PATH, garbage, metaSlot(meta.metaGeneration) * PAGE_BYTES);
    return problemOf(disk, run.states.at(-1)!, switches);
  },
};

/** A torn tail, recovery, one more acknowledged commit, power loss: it must be there. */
export const tornTail: Check = {
  name: 'a commit behind a torn tail',
  run: async ({ seed, mode, switches }) => {
    const first = await openSimulation(new SimulatedDisk(), seed, { mode });
    await first.host.run(first.database.put('before', 'value'));
    const left: SimulatedDisk[] = [];
    first.disk.onOperation = (_index, description) => {
      if (/dataSync .*wal-/.test(description)) left.push(first.disk.snapshot());
    };
    await first.host.run(first.database.put('torn', 'x'.repeat(700)));
    const torn = left[0]!;
    const path = pathOf(logFiles(torn)[0]!);
    torn.flipBit(path, endOfBytes(readBytes(torn.vfs(), path)) - 1, 3);
    const environment = { testSwitches: switches };
    const second = await openSimulation(torn, seed, { mode }, environment);
    const { sequence } = await second.host.run(second.database.put('after', 'value'));
    const cut = torn.crash({ keep: 'none' });
    try {
      const { database } = await openSimulation(cut, seed, READ_ONLY_LARGE);
      if (database.lastCommitted >= sequence && database.get('after') === 'value') return undefined;
      return `commit ${sequence} is lost, ${database.lastCommitted} is the last`;
    } catch (error) {
      return `does not open: ${String(error)}`;
    }
  },
};

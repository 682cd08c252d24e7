/**
 * Runs a history and takes the disk as it would look after a power cut, before every operation.
 */
import { SimulatedDisk, type Vfs } from '@manifold-db/storage';
import type { CommitMode, OpenOptions } from '@manifold-db/core';
import { crashProblem } from './crash-check.js';
import { runHistory, type HistoryRun } from './history.js';
import { modeOfTest } from './modes.js';
import { READ_ONLY, SMALL, openSimulation } from './simulator.js';

export interface CrashState {
  readonly disk: SimulatedDisk;
  readonly acknowledged: number;
  readonly place: string;
}

export interface CollectOptions {
  readonly seed: number;
  readonly commits: number;
  readonly mode?: CommitMode;
  /** TEST_SWITCH_* bits. */
  readonly bugs?: number;
  readonly checkpointEvery?: number;
  readonly largeBytes?: number;
  readonly largeShare?: number;
  readonly waitsForCheckpoints?: boolean;
  readonly open?: OpenOptions;
  readonly wrap?: (vfs: Vfs) => Vfs;
}

export type TakeStates = (disk: SimulatedDisk, place: string, acknowledged: number) => CrashState[];

/** Every so many crash states one is opened for writing, closed, and opened again. */
const READ_WRITE_EVERY = 29;

/** The state without any unsynced byte. */
export const dropUnsynced: TakeStates = (disk, place, acknowledged) => [
  { disk: disk.crash({ keep: 'none' }), place, acknowledged },
];

/** The states in which one unsynced write is missing and all others are there. */
export const dropEach: TakeStates = (disk, place, acknowledged) =>
  disk.pendingWrites().map(({ index, description }) => ({
    disk: disk.crash({ dropWrite: index }),
    place: `${place}, without ${description}`,
    acknowledged,
  }));

export interface Collected {
  readonly run: HistoryRun;
  readonly crashes: CrashState[];
  /** Operations before which power was cut; several may have left the same state. */
  readonly boundaries: number;
}

export async function collectCrashes(
  take: TakeStates,
  options: CollectOptions,
): Promise<Collected> {
  const disk = new SimulatedDisk();
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const crashes: CrashState[] = [];
  const vfs = options.wrap?.(disk.vfs()) ?? disk.vfs();
  const simulation = await openSimulation(
    disk,
    options.seed,
    { mode: options.mode ?? modeOfTest().mode ?? 'pipelined', ...options.open },
    { vfs },
  );
  simulation.host.switchBugsOn(options.bugs ?? 0);
  let boundaries = 0;
  let isDurableChanged = true;
  disk.onOperation = (index, description) => {
    boundaries++;
    // Only a sync changes what is left without the unsynced bytes. Between two syncs the last state
    // is the strictest: the same bytes, the most acknowledged commits.
    if (take === dropUnsynced && !isDurableChanged) crashes.pop();
    isDurableChanged = /sync/i.test(description);
    crashes.push(...take(disk, `operation ${index}: ${description}`, run.acknowledged));
  };
  await runHistory(simulation, { checkpointEvery: 20, ...options }, run);
  await simulation.host.run(simulation.database.close());
  return { run, crashes, boundaries };
}

/** What is wrong with the states, one line each; stops after `most`. */
export async function crashProblems(
  run: HistoryRun,
  crashes: readonly CrashState[],
  most = Infinity,
  look: OpenOptions = READ_ONLY,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [i, { disk, place, acknowledged }] of crashes.entries()) {
    if (problems.length >= most) break;
    const isFull = i % READ_WRITE_EVERY === 0;
    const options = isFull ? { cacheBytes: look.cacheBytes ?? SMALL.cacheBytes } : look;
    let problem = await crashProblem(disk, run, acknowledged, options);
    // Recovery is idempotent: the recovered database recovers to the same.
    if (problem === undefined && isFull) {
      problem = await crashProblem(disk, run, acknowledged, look);
    }
    if (problem !== undefined) problems.push(`before ${place}: ${problem}`);
  }
  return problems;
}

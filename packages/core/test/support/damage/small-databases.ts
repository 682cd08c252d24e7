/**
 * Small databases of several kinds, as real runs of the engine left them, with what may be read of
 * each: the state after every commit, and which of them the log witnesses.
 */
import {
  DATA_FILE_NAME,
  SimulatedDisk,
  parseSegmentFileName,
  readMetas,
  type Vfs,
} from '@manifold-db/storage';
import type { CommitMode, OpenOptions } from '@manifold-db/core';
import { DATA_PATH, pathOf, readBytes } from '../files.js';
import { stateLine, runHistory, type HistoryRun, type ModelState } from '../history.js';
import { READ_ONLY, SIMULATED_PATH, openSimulation, type Simulation } from '../simulator.js';
import { withFixedRandomness } from './fixed-randomness.js';
import { MemoryFiles, type Files } from './memory-files.js';
import { blocksOf, shrunkSegment } from './shrink.js';

export interface SmallDatabase {
  readonly name: string;
  readonly files: Files;
  /** State after each sequence. */
  readonly states: readonly ModelState[];
  /** Of the newest meta: whatever is damaged, an older state is a wrong answer. */
  readonly checkpointSequence: number;
  /** All that the undamaged files hold. */
  readonly lastSequence: number;
  readonly pageBytes: number;
  /** Reads of the files that an undamaged open with everything read takes. */
  readonly bytes: number;
}

const KEPT_BYTES_MAX = 8192;
const FILLER_KEY = 'filler';
const FILLER_BYTES = 60_000;
/** More than a segment of 3 MiB. */
const FILLER_COMMITS = 60;
/** The log goes on in another segment when the size that is asked for has changed. */
const OTHER_SEGMENT_BYTES = 4 * 1024 * 1024;
const IDLE_STEPS = 400;

interface Recipe {
  readonly mode: CommitMode;
  readonly commits: number;
  readonly checkpointEvery?: number;
  readonly largeShare?: number;
  readonly largeBytes?: number;
  readonly pageBytes?: number;
  /** How the process ends. */
  readonly end: 'close' | 'kill-between' | 'kill-in-sync' | 'kill-idle';
  /** Fills a segment first, so that a recycled one with old blocks comes into use. */
  readonly isRecycled?: boolean;
  /** Opened again half-way, with another segment size. */
  readonly isReopened?: boolean;
}

const RECIPES: Readonly<Record<string, Recipe>> = {
  closed: { mode: 'buffered', commits: 20, largeShare: 0.02, end: 'close' },
  'killed-buffered': {
    mode: 'buffered',
    commits: 26,
    checkpointEvery: 9,
    largeShare: 0,
    end: 'kill-in-sync',
  },
  'killed-pipelined': {
    mode: 'pipelined',
    commits: 26,
    checkpointEvery: 9,
    largeShare: 0,
    end: 'kill-in-sync',
  },
  'killed-idle': { mode: 'sequential', commits: 14, checkpointEvery: 6, end: 'kill-idle' },
  'without-checkpoint': { mode: 'async-wal', commits: 12, largeShare: 0, end: 'kill-between' },
  overflow: {
    mode: 'pipelined',
    commits: 8,
    checkpointEvery: 6,
    largeShare: 0.15,
    largeBytes: 14_000,
    end: 'kill-idle',
  },
  reopened: {
    mode: 'pipelined',
    commits: 14,
    largeShare: 0,
    isReopened: true,
    end: 'kill-in-sync',
  },
  recycled: {
    mode: 'buffered',
    commits: 12,
    checkpointEvery: 5,
    largeShare: 0,
    isRecycled: true,
    end: 'kill-in-sync',
  },
};

export const SMALL_DATABASE_NAMES = Object.keys(RECIPES);

/** A history with the commits before it, and the newest disk at a moment the recipe names. */
class Life {
  readonly run: HistoryRun = { states: [], acknowledged: 0 };
  readonly disk = new SimulatedDisk();
  readonly #recipe: Recipe;
  readonly #seed: number;
  #killed: SimulatedDisk | undefined;

  constructor(recipe: Recipe, seed: number) {
    this.#recipe = recipe;
    this.#seed = seed;
  }

  async live(): Promise<SimulatedDisk> {
    const { mode, end, isReopened, pageBytes } = this.#recipe;
    const options: OpenOptions = { mode, ...(pageBytes === undefined ? {} : { pageBytes }) };
    let simulation = await openSimulation(this.disk, this.#seed, options);
    if (this.#recipe.isRecycled === true) await this.#fill(simulation);
    if (isReopened === true) {
      await this.#fillStates(simulation, 6);
      const killed = this.disk.snapshot();
      const other = { ...options, walSegmentBytes: OTHER_SEGMENT_BYTES, walBytesMax: 2 ** 25 };
      simulation = await openSimulation(killed, this.#seed, other);
    }
    const { disk } = simulation;
    this.#watch(disk);
    await runHistory(simulation, { seed: this.#seed, ...this.#recipe }, this.run);
    if (end === 'close') await simulation.host.run(simulation.database.close());
    if (end === 'kill-idle') for (let i = 0; i < IDLE_STEPS; i++) simulation.host.stepOne();
    if (end === 'kill-in-sync') return this.#killed!;
    return disk.snapshot();
  }

  /** Before a sync of the log: everything is written, the newest group has no witness. */
  #watch(disk: SimulatedDisk): void {
    disk.onOperation = (_index, description) => {
      if (/dataSync .*wal-\d/.test(description)) this.#killed = disk.snapshot();
    };
  }

  /** Commits of one large entry over and over, until segments are recycled. */
  async #fill(simulation: Simulation): Promise<void> {
    const { database, host } = simulation;
    for (let i = 0; i < FILLER_COMMITS; i++) {
      const value = String(i).padEnd(FILLER_BYTES, '#');
      this.run.states.push(i === 0 ? [] : [this.#fillerLine(i - 1)]);
      await host.run(database.put(FILLER_KEY, value));
      if (i % 20 === 19) await host.run(database.checkpoint());
    }
    this.run.states.push([this.#fillerLine(FILLER_COMMITS - 1)]);
    await host.run(database.delete(FILLER_KEY));
    await host.run(database.checkpoint());
    for (let i = 0; i < IDLE_STEPS; i++) host.stepOne();
  }

  #fillerLine(i: number): string {
    return stateLine('default', FILLER_KEY, String(i).padEnd(FILLER_BYTES, '#'));
  }

  /** A few commits that leave nothing, in a log of their own. */
  async #fillStates({ database, host }: Simulation, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.run.states.push([]);
      await host.run(database.put(FILLER_KEY, 'x'));
      this.run.states.push([stateLine('default', FILLER_KEY, 'x')]);
      await host.run(database.delete(FILLER_KEY));
    }
  }
}

function filesOf(vfs: Vfs): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of vfs.list(SIMULATED_PATH)) {
    const bytes = readBytes(vfs, pathOf(name));
    if (parseSegmentFileName(name) !== undefined) files.set(name, shrunkSegment(bytes));
    else files.set(name, bytes.subarray(0, name === DATA_FILE_NAME ? Infinity : KEPT_BYTES_MAX));
  }
  return withFewSpares(files);
}

/** Of the segments that were only made ready, one is enough. */
function withFewSpares(files: Map<string, Uint8Array>): Map<string, Uint8Array> {
  const spares = [...files.keys()].filter(
    (name) => parseSegmentFileName(name) !== undefined && blocksOf(files.get(name)!).length === 0,
  );
  for (const name of spares.slice(1)) files.delete(name);
  return files;
}

async function make(name: string, seed: number): Promise<SmallDatabase> {
  const life = new Life(RECIPES[name]!, seed);
  const disk = await withFixedRandomness(seed, () => life.live());
  const files = filesOf(disk.vfs());
  const { vfs } = new MemoryFiles(files, Infinity, false);
  const { meta } = readMetas(vfs.open(DATA_PATH, 'read'), DATA_PATH);
  const data = files.get(DATA_FILE_NAME)!;
  files.set(DATA_FILE_NAME, data.slice(0, meta.pageCount * meta.pageBytes));
  const whole = await openSimulation(new SimulatedDisk(), seed, READ_ONLY, { vfs });
  return {
    name,
    files,
    states: life.run.states,
    checkpointSequence: meta.sequence,
    lastSequence: whole.database.lastCommitted,
    pageBytes: meta.pageBytes,
    bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0),
  };
}

/** All of them, in the order of their names. */
export async function smallDatabases(seed: number): Promise<SmallDatabase[]> {
  const databases: SmallDatabase[] = [];
  for (const name of SMALL_DATABASE_NAMES) databases.push(await make(name, seed));
  return databases;
}

/**
 * Small databases of several kinds, as real runs of the engine left them, with what may be read of
 * each: the state after every commit, and which of them the log witnesses.
 */
import {
  DATA_FILE_NAME,
  LOG_WRITING_SEGMENT,
  SimulatedDisk,
  metaSlot,
  parseSegmentFileName,
  readMetas,
  type Meta,
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
  /** The newest. */
  readonly meta: Meta;
  /** All that the undamaged files hold. */
  readonly lastSequence: number;
  readonly bytes: number;
}

const FILLER_KEY = 'filler';
const FILLER_BYTES = 20_000;
/** The first segment that is a recycled one: with those made ready ahead, three are new. */
const RECYCLED_SEGMENT = 5;
const FILLER_COMMITS_MAX = 2000;
const FILLER_CHECKPOINT_EVERY = 60;
/** The log goes on in another segment when the size that is asked for has changed. */
const OTHER_SEGMENT_BYTES = 4 * 1024 * 1024;
const OTHER_LOG_BYTES_MAX = 8 * OTHER_SEGMENT_BYTES;
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
  new: { mode: 'async-wal', commits: 3, largeShare: 0, end: 'kill-between' },
  few: { mode: 'buffered', commits: 4, checkpointEvery: 2, largeShare: 0, end: 'kill-idle' },
  'without-checkpoint': { mode: 'async-wal', commits: 12, largeShare: 0, end: 'kill-between' },
  reopened: {
    mode: 'pipelined',
    commits: 14,
    largeShare: 0,
    isReopened: true,
    end: 'kill-in-sync',
  },
  closed: { mode: 'buffered', commits: 20, largeShare: 0.02, end: 'close' },
  buffered: {
    mode: 'buffered',
    commits: 26,
    checkpointEvery: 9,
    largeShare: 0,
    end: 'kill-in-sync',
  },
  pipelined: {
    mode: 'pipelined',
    commits: 26,
    checkpointEvery: 9,
    largeShare: 0,
    end: 'kill-in-sync',
  },
  overflow: {
    mode: 'pipelined',
    commits: 8,
    checkpointEvery: 6,
    largeShare: 0.15,
    largeBytes: 14_000,
    end: 'kill-idle',
  },
  idle: { mode: 'sequential', commits: 14, checkpointEvery: 6, end: 'kill-idle' },
  recycled: {
    mode: 'buffered',
    commits: 12,
    checkpointEvery: 5,
    largeShare: 0,
    isRecycled: true,
    end: 'kill-in-sync',
  },
};

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
      const other = {
        ...options,
        walSegmentBytes: OTHER_SEGMENT_BYTES,
        walBytesMax: OTHER_LOG_BYTES_MAX,
      };
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

  /** Commits of one large entry over and over, until the log goes on in a recycled segment. */
  async #fill({ database, host }: Simulation): Promise<void> {
    const { states } = this.run;
    const segment = () => host.shared!.logSpace[LOG_WRITING_SEGMENT]!;
    for (let i = 0; segment() < RECYCLED_SEGMENT; i++) {
      if (i > FILLER_COMMITS_MAX) throw new Error('no segment is ever recycled');
      states.push(i === 0 ? [] : [this.#fillerLine(i - 1)]);
      await host.run(database.put(FILLER_KEY, this.#filler(i)));
      if (i % FILLER_CHECKPOINT_EVERY === 0) await host.run(database.checkpoint());
    }
    states.push([this.#fillerLine(states.length - 1)]);
    await host.run(database.delete(FILLER_KEY));
    await host.run(database.checkpoint());
    for (let i = 0; i < IDLE_STEPS; i++) host.stepOne();
  }

  #filler(i: number): string {
    return String(i).padEnd(FILLER_BYTES, '#');
  }

  #fillerLine(i: number): string {
    return stateLine('default', FILLER_KEY, this.#filler(i));
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

/** Without the log files that a checkpoint made superfluous; of the spare ones, one is enough. */
function filesOf(vfs: Vfs, meta: Meta): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let spares = 0;
  for (const name of vfs.list(SIMULATED_PATH)) {
    // No Buffer: `slice` of one makes no copy.
    const bytes = new Uint8Array(readBytes(vfs, pathOf(name)));
    const number = parseSegmentFileName(name);
    if (name === DATA_FILE_NAME)
      files.set(name, bytes.subarray(0, meta.pageCount * meta.pageBytes));
    if (number === undefined || number < meta.walSegmentNumber) continue;
    const shrunk = shrunkSegment(bytes);
    if (blocksOf(shrunk).length > 0 || spares++ === 0) files.set(name, shrunk);
  }
  return files;
}

async function make(name: string, seed: number): Promise<SmallDatabase> {
  const life = new Life(RECIPES[name]!, seed);
  const disk = await withFixedRandomness(seed, () => life.live());
  const vfs = disk.vfs();
  const { meta } = readMetas(vfs.open(DATA_PATH, 'read'), DATA_PATH);
  const files = filesOf(vfs, meta);
  const memory = new MemoryFiles(files, Infinity);
  const whole = await openSimulation(disk, seed, READ_ONLY, { vfs: memory.vfs });
  return {
    name,
    files,
    states: life.run.states,
    meta,
    lastSequence: whole.database.lastCommitted,
    bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0),
  };
}

/** The files as they are when the newest meta page is zeroed: the other one counts then. */
export function withoutNewestMeta({ files, meta }: SmallDatabase): Map<string, Uint8Array> {
  const data = files.get(DATA_FILE_NAME)!.slice();
  const at = metaSlot(meta.metaGeneration) * meta.pageBytes;
  data.fill(0, at, at + meta.pageBytes);
  return new Map(files).set(DATA_FILE_NAME, data);
}

/** All of them, the smaller ones first. */
export async function smallDatabases(seed: number): Promise<SmallDatabase[]> {
  const databases: SmallDatabase[] = [];
  for (const name of Object.keys(RECIPES)) databases.push(await make(name, seed));
  return databases.sort((a, b) => a.bytes - b.bytes);
}

/** One of them, to run a case again. */
export function smallDatabase(name: string, seed: number): Promise<SmallDatabase> {
  if (RECIPES[name] === undefined) throw new Error(`there is no small database ${name}`);
  return make(name, seed);
}

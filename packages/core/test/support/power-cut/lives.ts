/**
 * Lives of a database on a simulated disk, from its creation to its close, with the disk as it was
 * before every single operation on it: names, contents, and what was not synced.
 */
import { InvariantError, SimulatedDisk } from '@manifold-db/storage';
import type { CommitMode, OpenOptions } from '@manifold-db/core';
import { runHistory, type HistoryOptions, type HistoryRun } from '../history.js';
import { MODES } from '../modes.js';
import { openSimulation, type SimulationEnvironment } from '../simulator.js';

/** A moment at which the power may fail. */
export interface Moment {
  /** Number of the operation that did not happen any more. */
  readonly operation: number;
  readonly description: string;
  readonly disk: SimulatedDisk;
  /** Highest sequence that was acknowledged as durable by then. */
  readonly acknowledged: number;
}

export interface Life {
  readonly mode: CommitMode;
  readonly sizes: Sizes;
  readonly run: HistoryRun;
  readonly moments: readonly Moment[];
}

type Sizes = NonNullable<SimulationEnvironment['sizes']>;

interface Kind extends Omit<HistoryOptions, 'seed'> {
  readonly open?: OpenOptions;
  readonly sizes?: Sizes;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Far below what `open` allows: most of an opening is memory that it makes ready and log that it
 * reads, and there are very many openings. The cache holds what a read-only one finds in the log.
 */
const SIZES: Sizes = {
  cacheBytes: MIB,
  walRingBytes: 64 * KIB,
  walSegmentBytes: 192 * KIB,
  walBytesMax: 8 * 192 * KIB,
  writeBufferBytes: 64 * KIB,
  pendingCommitsMax: 32,
};
/** For values that those have no room for. */
const SIZES_MIDDLE: Sizes = { ...SIZES, cacheBytes: 2 * MIB };
/** Such a value takes a fragment in every record that a ring of this size allows. */
const SIZES_LARGE: Sizes = {
  cacheBytes: 4 * MIB,
  walRingBytes: 256 * KIB,
  walSegmentBytes: 512 * KIB,
  walBytesMax: 12 * 512 * KIB,
  writeBufferBytes: MIB,
  pendingCommitsMax: 32,
};

/** What databases do: each kind in every mode. */
const KINDS: readonly Kind[] = [
  // Commits, many under way, between frequent checkpoints.
  { commits: 60, checkpointEvery: 6 },
  // Nothing but the log.
  { commits: 40 },
  // The file grows, log segments fill up, and are recycled behind checkpoints.
  { commits: 44, checkpointEvery: 7, largeBytes: 24_000, largeShare: 0.3, sizes: SIZES_MIDDLE },
  // Values so large that their pages are written before the commit is in the log.
  { commits: 20, checkpointEvery: 7, largeBytes: 270_000, largeShare: 0.06, sizes: SIZES_LARGE },
  // One commit at a time: the group is one commit, and its acknowledgement is awaited.
  { commits: 40, checkpointEvery: 9, inFlight: 1, waitsForCheckpoints: true },
  // Larger pages, values in overflow pages.
  {
    commits: 40,
    checkpointEvery: 8,
    largeBytes: 20_000,
    largeShare: 0.2,
    open: { pageBytes: 8192 },
    sizes: SIZES_MIDDLE,
  },
];

/** How many lives there are until kinds and modes repeat themselves. */
export const KINDS_OF_LIFE = KINDS.length * MODES.length;

/** The life of a number: its mode, what it does, and the order in which threads run. */
export async function live(number: number, seed: number, testSwitches: number): Promise<Life> {
  const mode = MODES[number % MODES.length]!;
  const of = KINDS[Math.floor(number / MODES.length) % KINDS.length]!;
  const { open, sizes = SIZES, ...kind } = of;
  const ownSeed = (seed + Math.imul(number, 0x9e3779b1)) | 0;
  const disk = new SimulatedDisk();
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const moments: Moment[] = [];
  const note = (operation: number, description: string): void => {
    const { acknowledged } = run;
    moments.push({ operation, description, disk: disk.snapshot(), acknowledged });
  };
  disk.onOperation = note;
  const environment = { sizes, testSwitches };
  const whole = async (): Promise<void> => {
    const simulation = await openSimulation(disk, ownSeed, { ...open, mode }, environment);
    await runHistory(simulation, { ...kind, seed: ownSeed }, run);
    await simulation.host.run(simulation.database.close());
  };
  await whole().catch((error: unknown) => {
    // An engine with a bug in it may notice: its life ends there.
    if (testSwitches === 0 || !(error instanceof InvariantError)) throw error;
  });
  note(disk.operationCount, 'the end');
  return { mode, sizes, run, moments };
}

/**
 * Lives of a database on a simulated disk, from its creation to its close, with the disk as it was
 * before every single operation on it: names, contents, and what was not synced.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import type { CommitMode, OpenOptions } from '@manifold-db/core';
import { runHistory, type HistoryOptions, type HistoryRun } from '../history.js';
import { MODES } from '../modes.js';
import { openSimulation } from '../simulator.js';

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
  /** Enough to recover it in memory, by a read-only opening. */
  readonly cacheBytes: number;
  readonly run: HistoryRun;
  readonly moments: readonly Moment[];
}

interface Kind extends Omit<HistoryOptions, 'seed'> {
  readonly open?: OpenOptions;
  readonly cacheBytes?: number;
}

const CACHE_BYTES = 1024 * 1024;
const CACHE_BYTES_LARGE = 8 * 1024 * 1024;

/** What databases do: each kind in every mode. */
const KINDS: readonly Kind[] = [
  // Commits, many under way, between frequent checkpoints.
  { commits: 60, checkpointEvery: 6 },
  // Nothing but the log.
  { commits: 40 },
  // The file grows, log segments fill up, and are recycled behind checkpoints.
  {
    commits: 44,
    checkpointEvery: 7,
    largeBytes: 400_000,
    largeShare: 0.15,
    cacheBytes: CACHE_BYTES_LARGE,
  },
  // One commit at a time: the group is one commit, and its acknowledgement is awaited.
  { commits: 40, checkpointEvery: 9, inFlight: 1, waitsForCheckpoints: true },
  // Larger pages, values in overflow pages.
  {
    commits: 40,
    checkpointEvery: 8,
    largeBytes: 60_000,
    largeShare: 0.2,
    open: { pageBytes: 8192 },
    cacheBytes: CACHE_BYTES_LARGE,
  },
];

/** The life of a number: its mode, what it does, and the order in which threads run. */
export async function live(number: number, seed: number): Promise<Life> {
  const mode = MODES[number % MODES.length]!;
  const of = KINDS[Math.floor(number / MODES.length) % KINDS.length]!;
  const { open, cacheBytes = CACHE_BYTES, ...kind } = of;
  const ownSeed = (seed + Math.imul(number, 0x9e3779b1)) | 0;
  const disk = new SimulatedDisk();
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const moments: Moment[] = [];
  const note = (operation: number, description: string): void => {
    const { acknowledged } = run;
    moments.push({ operation, description, disk: disk.snapshot(), acknowledged });
  };
  disk.onOperation = note;
  const simulation = await openSimulation(disk, ownSeed, { ...open, mode });
  await runHistory(simulation, { ...kind, seed: ownSeed }, run);
  await simulation.host.run(simulation.database.close());
  note(disk.operationCount, 'the end');
  return { mode, cacheBytes, run, moments };
}

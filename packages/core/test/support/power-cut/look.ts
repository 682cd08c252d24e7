/**
 * Whether a disk after a power cut recovers to what the promise says: everything acknowledged, the
 * first so many commits in their order, sound trees, and the same again at the next opening.
 */
import { DATA_FILE_NAME, type SimulatedDisk } from '@manifold-db/storage';
import { readState, type ModelState } from '../history.js';
import { SharedPool } from '../shared-pool.js';
import { READ_ONLY, SIMULATED_PATH, openSimulation } from '../simulator.js';
import type { Life } from './lives.js';
import { ReadRecord, type SameReads } from './same-reads.js';

/** Of every database that is looked at, one after the other. */
const memory = new SharedPool();
const DATA_PATH = `${SIMULATED_PATH}/${DATA_FILE_NAME}`;

export interface Looked {
  readonly problem?: string;
  /** Commits that were found; `undefined` when there was no database. */
  readonly sequence?: number;
}

/** What an opening shows. */
export interface Found {
  readonly sequence: number;
  readonly state: ModelState;
}

function isSame(a: ModelState, b: ModelState | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((line, i) => line === b[i]);
}

function problemOf({ sequence, state }: Found, life: Life, acknowledged: number) {
  if (sequence < acknowledged) return `commit ${acknowledged} is lost, ${sequence} is the last`;
  const expected = life.run.states[sequence];
  if (expected === undefined) return `there is no commit ${sequence}`;
  if (isSame(state, expected)) return undefined;
  const at = state.findIndex((line, i) => line !== expected[i]);
  return `commit ${sequence}: ${state[at] ?? 'nothing'} instead of ${expected[at] ?? 'nothing'}`;
}

/** How far a look goes. */
export interface Depth {
  /**
   * Openings after the close so far: the look goes on to the close, whose checkpoint checks every
   * tree and the account of pages, and to another opening. Without them the process ends when
   * everything was read.
   */
  readonly reopenings?: SameReads<Found>;
  /** Called for every moment at which the power may fail again. */
  readonly onMoment?: (disk: SimulatedDisk) => void;
}

/** Recovers the disk and reads everything. */
export async function look(
  disk: SimulatedDisk,
  life: Life,
  acknowledged: number,
  depth: Depth,
): Promise<Looked> {
  if (!disk.vfs().exists(DATA_PATH)) {
    if (acknowledged === 0) return {};
    return { problem: `commit ${acknowledged} is lost with its database` };
  }
  try {
    const looked = await recovered(disk, life, acknowledged, depth);
    memory.giveBack();
    return looked;
  } catch (error) {
    memory.letGo();
    return { problem: `does not open: ${String(error)}` };
  }
}

async function recovered(
  disk: SimulatedDisk,
  life: Life,
  acknowledged: number,
  { reopenings, onMoment }: Depth,
): Promise<Looked> {
  disk.onOperation = onMoment && (() => onMoment(disk));
  const { mode, sizes } = life;
  const opening = openSimulation(disk, 1, { mode }, { sizes, allocate: memory.allocate });
  const { database, host } = await opening;
  const found = { sequence: database.lastCommitted, state: readState(database) };
  const { sequence } = found;
  const problem = problemOf(found, life, acknowledged);
  if (problem === undefined && reopenings !== undefined) await host.run(database.close());
  host.abandon();
  disk.onOperation = undefined;
  if (problem !== undefined) return { problem, sequence };
  if (reopenings === undefined) return { sequence };
  const again = await reopened(disk, life, reopenings);
  if (again.sequence === sequence && isSame(again.state, found.state)) return { sequence };
  return { problem: `commit ${sequence} was the last, then ${again.sequence}`, sequence };
}

/**
 * What another opening shows. What it reads counts as read from this disk, also when an opening
 * that read the same stands for it.
 */
async function reopened(
  disk: SimulatedDisk,
  life: Life,
  reopenings: SameReads<Found>,
): Promise<Found> {
  const closed = disk.snapshot();
  const known = reopenings.find(closed);
  if (known !== undefined) {
    disk.noteReads(known.places);
    return known.outcome;
  }
  const reads = new ReadRecord(closed);
  const found = await readOnly(closed, life);
  disk.noteReads(reads.places);
  reopenings.add(reads, found);
  return found;
}

async function readOnly(disk: SimulatedDisk, { sizes, run }: Life): Promise<Found> {
  const { database, host } = await openSimulation(disk, 1, READ_ONLY, {
    sizes,
    allocate: memory.allocate,
  });
  const sequence = database.lastCommitted;
  const state = readState(database);
  await host.run(database.close());
  host.abandon();
  const expected = run.states[sequence];
  // Very many of these are kept.
  return { sequence, state: expected !== undefined && isSame(state, expected) ? expected : state };
}

/**
 * A durable checkpoint whose pages stay as they are while side work reads them from the file. Main
 * thread.
 *
 * Apply worker 0 reuses a page of the durable checkpoint D once a newer one is durable and no pin
 * holds it. So D is pinned like a snapshot, and the question is whether the pin came in time:
 *
 *   1. read the newest meta from the file: D
 *   2. pin D's sequence, with a mark above every birth so far
 *   3. read D's catalog and free map
 *   4. read the metas again: D is still the newest, or all over again
 *
 * Why this order: the worker lets pages of D go only after it has written a newer meta (the version
 * that a meta names is its running or its durable checkpoint until then), and it looks at the pins
 * after that write. When step 4 does not see a newer meta, the pin of step 2 was stored before the
 * worker's write, so the worker sees the pin before it lets the first page of D go. A meta that is
 * written while step 4 reads counts as not written: its write ends after the pin.
 *
 * A pin holds pages of column families. Pages of catalog and free map are let go without asking the
 * pins, as soon as a newer meta is durable; that is why step 3 stands before step 4, and why nobody
 * reads them afterwards.
 *
 * The pin is shared with snapshots of the same sequence, whose mark may be older than D's own
 * catalog; it is above every page of that version's families all the same, which is what counts.
 */
import { join } from 'node:path';
import {
  DATA_FILE_NAME,
  ManifoldError,
  PROGRESS_CHECKPOINTED,
  corrupt,
  loadWide,
  metaSlot,
  readMetas,
  type Meta,
  type MetaChoice,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import type { SideJob } from './job.js';
import type { CheckpointContents } from './tasks/load-contents.js';

/** What side work needs of the database beside its engine. */
export interface SideDatabase {
  checkpoint(): Promise<void>;
  readonly pins: {
    pinCheckpoint(sequence: number): void;
    unpinCheckpoint(sequence: number): void;
  };
}

export interface HeldCheckpoint {
  readonly dataPath: string;
  readonly meta: Meta;
  readonly contents: CheckpointContents;
  /** What is wrong with the other meta page, which is not needed while this one is sound. */
  readonly otherMetaProblem: { readonly offset: number; readonly message: string } | undefined;
  /** Lets the pages go; once. */
  release(): void;
}

/** Checkpoints come seconds apart, reading a catalog takes milliseconds. */
const ATTEMPTS_MAX = 100;

/**
 * Takes a checkpoint, so that everything committed so far is in the data file. False when that is
 * not possible: the database is open for reading only, or it has failed.
 */
export async function takeCheckpoint(
  engine: Engine,
  database: SideDatabase,
  job: SideJob,
): Promise<boolean> {
  if (engine.options.readOnly || engine.hasFailed) return false;
  try {
    await job.wait(database.checkpoint());
    return true;
  } catch (error) {
    if (job.isStopped || !engine.hasFailed) throw error;
    return false;
  }
}

/**
 * Throws ERR_MANIFOLD_CORRUPT when the metas do not lead to the durable checkpoint.
 * `reportsUnreadable`: pages of the catalog or the free map that the disk cannot read are among the
 * problems of the contents, and no error.
 */
export async function holdCheckpoint(
  engine: Engine,
  database: SideDatabase,
  job: SideJob,
  reportsUnreadable: boolean,
): Promise<HeldCheckpoint> {
  const dataPath = dataPathOf(engine);
  const { pins } = database;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const { meta, otherProblem } = newestMeta(engine);
    pins.pinCheckpoint(meta.sequence);
    let isHeld = false;
    try {
      const contents = await job.run('loadContents', { dataPath, meta, reportsUnreadable });
      const again = newestMeta(engine);
      isHeld = again.meta.metaGeneration === meta.metaGeneration;
      if (isHeld) {
        // A meta page that is just being written looks damaged, once.
        const isDamaged = otherProblem !== undefined && again.otherProblem === otherProblem;
        const offset = metaSlot(meta.metaGeneration + 1) * meta.pageBytes;
        const otherMetaProblem = isDamaged ? { offset, message: otherProblem } : undefined;
        const release = (): void => pins.unpinCheckpoint(meta.sequence);
        return { dataPath, meta, contents, otherMetaProblem, release };
      }
    } finally {
      if (!isHeld) pins.unpinCheckpoint(meta.sequence);
    }
  }
  throw new ManifoldError(
    'ERR_MANIFOLD_LIMIT',
    `${ATTEMPTS_MAX} checkpoints in a row ended before their catalog was read; try again`,
  );
}

export function dataPathOf(engine: Engine): string {
  return join(engine.path, DATA_FILE_NAME);
}

/** The meta of the durable checkpoint, or of one that is about to become it. */
export function newestMeta(engine: Engine): MetaChoice {
  const dataPath = dataPathOf(engine);
  // Before the file: what is durable by now must be found in it.
  const checkpointed = loadWide(engine.shared.progress, PROGRESS_CHECKPOINTED);
  const file = engine.vfs.open(dataPath, 'read');
  try {
    const choice = readMetas(file, dataPath);
    const { meta, otherProblem } = choice;
    if (meta.sequence >= checkpointed) return choice;
    const slot = metaSlot(meta.metaGeneration + 1);
    const problem = otherProblem ?? `meta page ${slot}: it is older than the last checkpoint`;
    throw corrupt(dataPath, slot * meta.pageBytes, problem);
  } finally {
    file.close();
  }
}

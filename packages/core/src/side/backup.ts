/**
 * `backup`: copies one checkpoint into another directory, spread over the side pool, while the
 * database goes on. The copy opens like any database, and under an id of its own, so that logs of
 * original and copy are never taken for one another's. Main thread.
 *
 * A database that cannot take a checkpoint (open for reading only, or failed) is copied with the
 * log behind its last one, so that the copy recovers to what the original would.
 */
import { randomBytes } from 'node:crypto';
import { BACKGROUND_SYNC_BYTES, DATABASE_ID_BYTES, corrupt, errnoOf } from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import { openError } from '../recovery/file-errors.js';
import type { BackupReport } from '../types.js';
import { drain } from './drain.js';
import {
  holdCheckpoint,
  takeCheckpoint,
  type HeldCheckpoint,
  type SideDatabase,
} from './held-checkpoint.js';
import type { SideJob } from './job.js';
import { readLogOf } from './log-check.js';
import type { SidePool } from './pool.js';
import { requireEmptyTarget } from './tasks/copy-target.js';
import type { CopyInput, FinishInput } from './tasks/copy.js';

/** Bits in a word of the free map. */
const WORD_PAGES = 32;

export function backupDatabase(
  engine: Engine,
  database: SideDatabase,
  pool: SidePool,
  path: string,
  signal: AbortSignal | undefined,
): Promise<BackupReport> {
  return pool.job(signal, async (job) => {
    const startedMs = engine.host.now();
    // Whose files are at work, for errors that do not say so themselves.
    let place = path;
    try {
      // Before the checkpoint, which may take long; and once more when the copy begins.
      requireEmptyTarget(engine.vfs, path);
      place = engine.path;
      const isCurrent = await takeCheckpoint(engine, database, job);
      const held = await holdCheckpoint(engine, database, job, false);
      try {
        const log = await logOfCopy(engine, job, held, isCurrent);
        place = path;
        const bytes = await copyHeld(engine, pool, job, held, path, log);
        return { path, sequence: log.sequence, bytes, durationMs: engine.host.now() - startedMs };
      } finally {
        held.release();
      }
    } catch (error) {
      throw job.isStopped ? error : openError(error, pathOf(error) ?? place);
    }
  });
}

/** The file that an error of the operating system is about. */
function pathOf(error: unknown): string | undefined {
  return errnoOf(error) === undefined ? undefined : (error as NodeJS.ErrnoException).path;
}

async function copyHeld(
  engine: Engine,
  pool: SidePool,
  job: SideJob,
  held: HeldCheckpoint,
  target: string,
  log: LogOfCopy,
): Promise<number> {
  const { dataPath, meta, contents } = held;
  const [damage] = contents.problems;
  if (damage !== undefined) throw corrupt(dataPath, damage.offset, damage.message);
  const { pages, bytes } = contents;
  let written = await job.run('prepareCopy', { target, meta, pages, bytes });
  try {
    await drain(pool.threads, stretches(held, target), async (stretch) => {
      written += await job.run('copyPages', stretch);
      return [];
    });
    written += await job.run('finishCopy', {
      target,
      meta: { ...meta, databaseId: randomBytes(DATABASE_ID_BYTES) },
      walSegmentBytes: engine.shared.sizes.walSegmentBytes,
      segments: log.segments,
      sourceDirectory: engine.path,
    });
  } catch (error) {
    // What went wrong first is what the caller hears of.
    await job.runAnyway('discardCopy', { target }).catch(() => {});
    throw error;
  }
  return written;
}

/** The pages in use that are not copied from memory, in stretches of one sync each. */
function stretches({ dataPath, meta, contents }: HeldCheckpoint, target: string): CopyInput[] {
  const words = contents.inUse!.slice();
  const own = [0, 1, ...contents.pages];
  for (const page of own) words[page >>> 5]! &= ~(1 << (page & 31));
  const wordCount = BACKGROUND_SYNC_BYTES / meta.pageBytes / WORD_PAGES;
  const inputs: CopyInput[] = [];
  for (let word = 0; word < words.length; word += wordCount) {
    const part = words.slice(word, word + wordCount);
    if (part.every((bits) => bits === 0)) continue;
    const first = word * WORD_PAGES;
    inputs.push({ from: dataPath, target, pageBytes: meta.pageBytes, first, words: part });
  }
  // Taken from the end: the copy grows front to back.
  return inputs.reverse();
}

interface LogOfCopy {
  /** Of the last commit in the copy. */
  readonly sequence: number;
  /** Empty: the copy begins with a new log. */
  readonly segments: FinishInput['segments'];
}

/** `isCurrent`: the checkpoint has everything, its log is not needed. */
async function logOfCopy(
  engine: Engine,
  job: SideJob,
  { meta }: HeldCheckpoint,
  isCurrent: boolean,
): Promise<LogOfCopy> {
  if (isCurrent) return { sequence: meta.sequence, segments: [] };
  const { lastSequence, transactionCount, segments } = await readLogOf(engine, job);
  if (transactionCount === 0) return { sequence: lastSequence, segments: [] };
  const copied = segments.flatMap(({ fileName, number, role }) => {
    return number === undefined || role === 'obsolete' ? [] : [{ fileName, number }];
  });
  return { sequence: lastSequence, segments: copied };
}

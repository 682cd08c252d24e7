/**
 * The log's part of `verify`: everything from the newest checkpoint up to where the log ended when
 * the check began. Main thread; the reading is done by the side pool.
 *
 * While the log is read, it grows, and segments that a newer checkpoint has made superfluous are
 * renamed and written anew. Growth is hidden (`tasks/frozen-log.ts`). What recycling makes look
 * like damage goes away when everything is read again from a newer checkpoint; damage stays where
 * it is.
 */
import {
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  errnoOf,
  type ManifoldError,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import { newestMeta } from './held-checkpoint.js';
import type { SideJob } from './job.js';
import { isDamage, type Problems } from './problems.js';
import type { LogPosition } from './tasks/frozen-log.js';
import type { LogInput, LogSummary } from './tasks/read-log.js';

/** Readings of a log that shows other damage every time. */
const ATTEMPTS_MAX = 10;

export interface LogTotals {
  readonly segments: number;
  readonly records: number;
}

const NOTHING: LogTotals = { segments: 0, records: 0 };

export async function checkLog(
  engine: Engine,
  job: SideJob,
  problems: Problems,
): Promise<LogTotals> {
  let damage: ManifoldError | NodeJS.ErrnoException | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      const { segments, transactionCount } = await readLogOf(engine, job);
      const live = segments.filter(({ role }) => role === 'live');
      return { segments: live.length, records: transactionCount };
    } catch (error) {
      const before = damage;
      damage = requireDamage(error);
      if (before !== undefined && isSamePlace(before, damage)) break;
    }
  }
  if (isDamage(damage)) problems.addError(damage);
  else problems.add(0, damage?.message ?? 'the log cannot be read', undefined, engine.path);
  return NOTHING;
}

/** Reads the log once, as recovery would. */
export function readLogOf(engine: Engine, job: SideJob): Promise<LogSummary> {
  // The checkpoint first: what it holds was in the log before, so it lies before the end.
  const { meta } = newestMeta(engine);
  const end = endOfLog(engine);
  const input: LogInput = {
    directory: engine.path,
    databaseId: meta.databaseId,
    fromSequence: meta.sequence,
    oldestSegment: meta.walSegmentNumber,
    end,
  };
  return job.run('readLog', input);
}

/** `undefined` when nobody writes the log. */
function endOfLog(engine: Engine): LogPosition | undefined {
  if (engine.options.readOnly || engine.hasFailed) return undefined;
  const { logSpace } = engine.shared;
  for (;;) {
    const segmentNumber = Atomics.load(logSpace, LOG_WRITING_SEGMENT);
    const offset = Atomics.load(logSpace, LOG_WRITING_OFFSET);
    // Another segment by now: the offset may be one in it.
    if (Atomics.load(logSpace, LOG_WRITING_SEGMENT) === segmentNumber) {
      return { segmentNumber, offset };
    }
  }
}

/** Damage, or a file that was renamed while it was read; other errors are thrown. */
function requireDamage(error: unknown): ManifoldError | NodeJS.ErrnoException {
  if (isDamage(error)) return error;
  const errno = errnoOf(error);
  if (errno !== 'ENOENT' && errno !== 'EIO') throw error;
  return error as NodeJS.ErrnoException;
}

function isSamePlace(
  a: ManifoldError | NodeJS.ErrnoException,
  b: ManifoldError | NodeJS.ErrnoException,
): boolean {
  if (isDamage(a) && isDamage(b)) return a.path === b.path && a.offset === b.offset;
  return a.message === b.message;
}

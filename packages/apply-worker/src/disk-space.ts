/**
 * Running out of disk space beside the log: neither preparing a segment nor writing pages, for a
 * checkpoint or for a merge, loses anything then, so the work stops and is tried again, and
 * LOG_FULL tells those who wait for log space that it may not come. Threads: apply worker 0.
 */
import {
  BELL_RINGS,
  BELL_WORDS,
  LOG_FULL,
  ManifoldError,
  REASON_SPACE,
  THREAD_APPLY,
  THREAD_MAIN,
  errnoOf,
  isSyncError,
  ringBell,
} from '@manifold-db/storage';
import type { ApplyContext } from './context.js';

const RETRY_MS = 250;

/** Parts of the work that may be stopped by a full disk. */
export type SpaceUser = 'segments' | 'checkpoint' | 'merge';

interface Stopped {
  readonly rings: number;
  readonly sinceMs: number;
}

function isOutOfSpace(error: unknown): boolean {
  // The pager wraps what the operating system says of pages that are written early.
  const cause = error instanceof ManifoldError ? error.cause : error;
  // A failed sync may have lost what it was to make durable, whatever reason it gives.
  if (isSyncError(cause)) return false;
  const errno = errnoOf(cause);
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

export class DiskSpace {
  readonly #context: ApplyContext;
  readonly #stopped = new Map<SpaceUser, Stopped>();

  constructor(context: ApplyContext) {
    this.#context = context;
  }

  /**
   * Runs a piece of work. Returns false, and remembers it, when it finds no room to write; other
   * errors pass through, those of a sync always.
   */
  attempt(user: SpaceUser, work: () => void): boolean {
    try {
      work();
    } catch (error) {
      if (!isOutOfSpace(error)) throw error;
      this.#stopped.set(user, { rings: this.#rings(), sinceMs: this.#context.nowMs() });
      this.#publish();
      return false;
    }
    return true;
  }

  /** The work went through: there is space again. */
  succeeded(user: SpaceUser): void {
    if (this.#stopped.delete(user)) this.#publish();
  }

  isStopped(user: SpaceUser): boolean {
    return this.#stopped.has(user);
  }

  /** Something changed since the work stopped, or some time passed. */
  mayTry(user: SpaceUser): boolean {
    const stopped = this.#stopped.get(user);
    if (stopped === undefined) return true;
    const isRung = stopped.rings !== this.#rings();
    return isRung || this.#context.nowMs() - stopped.sinceMs >= RETRY_MS;
  }

  /** Longest sleep before the next try. */
  sleepMs(): number {
    return this.#stopped.size > 0 ? RETRY_MS : Infinity;
  }

  /** Everybody who wants something of this worker rings its bell. */
  #rings(): number {
    const { shared, init } = this.#context;
    const bell = (THREAD_APPLY + init.workerIndex) * BELL_WORDS;
    return Atomics.load(shared.bells, bell + BELL_RINGS);
  }

  #publish(): void {
    const { shared } = this.#context;
    Atomics.store(shared.logSpace, LOG_FULL, this.#stopped.size > 0 ? 1 : 0);
    ringBell(shared.bells, THREAD_MAIN, REASON_SPACE);
  }
}

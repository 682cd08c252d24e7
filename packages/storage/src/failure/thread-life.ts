/**
 * Whether a worker still lives, for a thread that is blocked: the events that tell of a worker's
 * death wait for its event loop. Only Linux says so; elsewhere every thread counts as alive, and a
 * blocked caller waits for ever for a dead one. Threads: all. Layout: `layout/progress.ts`.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { THREAD_APPLY, THREAD_WAL } from '../layout/bells.js';
import {
  FAILURE_WORKER,
  PROGRESS_SHUTDOWN,
  PROGRESS_THREAD_IDS,
  RUNNING,
} from '../layout/progress.js';
import { THREADS_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { setFailure } from './failure.js';

/** `<pid>/task/<thread id>` */
const THREAD_SELF = '/proc/thread-self';
const UNKNOWN = 0;

function ownThreadId(): number {
  try {
    return Number(/\/task\/(\d+)$/.exec(readlinkSync(THREAD_SELF))?.[1] ?? UNKNOWN);
  } catch {
    return UNKNOWN;
  }
}

/** Called by a worker before anybody waits for it. */
export function noteThread(shared: Shared, thread: number): void {
  Atomics.store(shared.progress, PROGRESS_THREAD_IDS + thread, ownThreadId());
}

/** True when the thread has noted itself and does not exist any more. */
export function isThreadGone(shared: Shared, thread: number): boolean {
  const id = Atomics.load(shared.progress, PROGRESS_THREAD_IDS + thread);
  return id !== UNKNOWN && !existsSync(`/proc/self/task/${id}`);
}

/** Name of a worker, as the operating system and messages show it. */
export function threadName(thread: number): string {
  return thread === THREAD_WAL ? 'manifold-wal' : `manifold-apply-${thread - THREAD_APPLY}`;
}

/** No worker ends while the database runs: one that is gone poisons it. */
export function poisonIfWorkerGone(shared: Shared): void {
  if (Atomics.load(shared.progress, PROGRESS_SHUTDOWN) !== RUNNING) return;
  for (let thread = THREAD_WAL; thread < THREADS_MAX; thread++) {
    if (!isThreadGone(shared, thread)) continue;
    setFailure(shared, FAILURE_WORKER, `the worker ${threadName(thread)} stopped`);
  }
}

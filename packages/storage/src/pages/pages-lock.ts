/**
 * The pages lock: whoever holds it may change the control words, the frame table and the free pages
 * of `layout/pages.ts`. Threads: all. It is held for microseconds and around no system call.
 *
 * A worker that is ended by force (`terminate`, a heap without room) can leave it held for ever.
 * The events that tell of a worker's end wait for the main thread, which may be the one that waits
 * here; so whoever waits too long looks by itself whether a worker is gone, and poisons then.
 *
 * Invariants
 * 1. PAGES_LOCK_ABANDONED goes from 0 to 1, once the database is poisoned and the lock was held for
 *    a whole wait since. From then on nobody takes the lock who did not hold it before.
 * 2. While the lock is abandoned its holder makes no step, so the buckets do not change, and every
 *    single store of a holder leaves them in order for a look-up (`frame-table.ts`): what is not
 *    found without the lock is not in memory. Reads go on that way.
 */
import { ManifoldError } from '../errors.js';
import { hasFailed, readFailure, setFailure } from '../failure/failure.js';
import { poisonIfWorkerGone } from '../failure/thread-life.js';
import { PAGES_LOCK, PAGES_LOCK_ABANDONED } from '../layout/pages.js';
import { FAILURE_WORKER } from '../layout/progress.js';
import type { Shared } from '../shared.js';
import { lockMutexFor, unlockMutex } from '../sync/mutex.js';

const LOOK_MS = 1000;
/** Where the system does not tell of threads, or a thread locks twice, time decides. */
const LOOKS_MAX = 30;
const PRESUMED = 'a thread died while it held the pages lock, or locks it twice';

/** Throws ERR_MANIFOLD_POISONED, without the lock, when its holder is dead. */
export function lockPages(shared: Shared): void {
  if (tryLockPages(shared)) return;
  throw new ManifoldError(
    'ERR_MANIFOLD_POISONED',
    `the database failed and changes no more pages: ${readFailure(shared)?.text}`,
  );
}

/** Takes the lock; false, on a poisoned database, when its holder is dead. */
export function tryLockPages(shared: Shared): boolean {
  const { pagesControl: control } = shared;
  // A stale 0 costs a wait, no more.
  const isAbandoned = control[PAGES_LOCK_ABANDONED] !== 0;
  for (let looks = 0; !lockMutexFor(control, PAGES_LOCK, isAbandoned ? 0 : LOOK_MS); looks++) {
    // A failure that was known before this wait: who fails ends, and does not sleep with the lock.
    if (isAbandoned || (looks > 0 && hasFailed(shared))) {
      Atomics.store(control, PAGES_LOCK_ABANDONED, 1);
      return false;
    }
    poisonIfWorkerGone(shared);
    if (looks === LOOKS_MAX) setFailure(shared, FAILURE_WORKER, PRESUMED);
  }
  return true;
}

export function unlockPages(shared: Shared): void {
  unlockMutex(shared.pagesControl, PAGES_LOCK);
}

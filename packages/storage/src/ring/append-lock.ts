/**
 * The append lock: whoever holds it may claim records, store APPENDED, change the admitted root
 * rows and push to the pending queue. Threads: every thread that commits.
 *
 * It is held for microseconds, except under a transaction larger than the ring, whose fragments
 * wait for ring space while holding it: on a slow disk that takes as long as it takes. So a waiter
 * gives no verdict by the clock; it asks the failure word, which is set when a thread dies.
 */
import { ManifoldError } from '../errors.js';
import { readFailure } from '../failure/failure.js';
import { RING_LOCK } from '../layout/ring.js';
import type { Shared } from '../shared.js';
import { lockMutexFor, unlockMutex } from '../sync/mutex.js';

const FAILURE_CHECK_MS = 1000;

/** Throws ERR_MANIFOLD_POISONED, without the lock, when it is not to be had and never will be. */
export function lockAppend(shared: Shared): void {
  while (!lockMutexFor(shared.ringControl, RING_LOCK, FAILURE_CHECK_MS)) {
    const failure = readFailure(shared);
    if (failure !== undefined) {
      throw new ManifoldError(
        'ERR_MANIFOLD_POISONED',
        `the database failed while another thread was committing: ${failure.text}`,
      );
    }
  }
}

export function unlockAppend(shared: Shared): void {
  unlockMutex(shared.ringControl, RING_LOCK);
}

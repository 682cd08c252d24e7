/**
 * A mutex over one Int32 word of shared memory: the three-state futex lock of Ulrich Drepper,
 * "Futexes Are Tricky" (2011), section 6. Threads: all, the main thread included: critical
 * sections are a few microseconds and contain no system call, so a block there is short (one
 * exception: the append lock under a very large transaction). What it means when one is long is
 * for `ring/append-lock.ts` and `pages/pages-lock.ts` to say.
 *
 * Invariants
 * 1. FREE → HELD or CONTENDED by the thread that takes it; only that thread stores FREE.
 * 2. A thread sleeps only after it has stored CONTENDED, so the holder that later exchanges FREE
 *    sees CONTENDED and wakes one: no wake-up is lost.
 * 3. The lock is not fair. A thread that was woken may lose the word to another one any number of
 *    times; only a sleep that nobody ended for all of its time ends in giving up.
 */
import { assert } from '../assert.js';

export const MUTEX_FREE = 0;
const HELD = 1;
const CONTENDED = 2;

/** About a microsecond: longer than most critical sections, shorter than a thread switch. */
const SPINS = 200;

/** Takes the lock, or gives up after `waitMs` in which nobody woke this thread. */
export function lockMutexFor(words: Int32Array, index: number, waitMs: number): boolean {
  if (Atomics.compareExchange(words, index, MUTEX_FREE, HELD) === MUTEX_FREE) return true;
  for (let spin = 0; spin < SPINS; spin++) {
    if (
      Atomics.load(words, index) === MUTEX_FREE &&
      Atomics.compareExchange(words, index, MUTEX_FREE, HELD) === MUTEX_FREE
    ) {
      return true;
    }
  }
  // CONTENDED is kept even when we get the lock this way: another sleeper may still be there, and
  // one wake-up too many is harmless.
  while (Atomics.exchange(words, index, CONTENDED) !== MUTEX_FREE) {
    if (Atomics.wait(words, index, CONTENDED, waitMs) === 'timed-out') {
      // A sleep that timed out consumed no wake-up, so walking away leaves none unanswered; the
      // CONTENDED left behind costs the holder one superfluous notify.
      return Atomics.exchange(words, index, CONTENDED) === MUTEX_FREE;
    }
  }
  return true;
}

export function unlockMutex(words: Int32Array, index: number): void {
  // One exchange both frees the lock and tells whether anyone may sleep on it.
  const state = Atomics.exchange(words, index, MUTEX_FREE);
  assert(state !== MUTEX_FREE, 'only the holder unlocks a mutex');
  if (state === CONTENDED) Atomics.notify(words, index, 1);
}

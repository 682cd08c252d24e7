/**
 * Bells: a sequence-counted condition per thread (an "eventcount"). A thread that has nothing to
 * do declares which reasons interest it, re-checks its condition, and sleeps on its own bell;
 * whoever changes shared state rings the bells of the threads concerned with the reason.
 * Threads: all. Layout: `layout/bells.ts`.
 *
 * A thread with an event loop waits in two ways at once: the callbacks of its promises wait
 * asynchronously, and a call of the user may block meanwhile. So the interest word has two halves:
 *
 *   bits 0..14    interest of the blocking wait (`prepareToSleep`, `sleepOnBell`)
 *   bits 15..29   interest of the asynchronous wait (`prepareToWaitAsync`, `waitOnBellAsync`)
 *
 * Invariants
 * 1. `rings` only grows (mod 2^32); `interest` has one writer, the bell's owner, which changes one
 *    half and keeps the other.
 * 2. Ringer: change state → rings++ → load interest → notify. Sleeper: store interest → load
 *    rings → check state → sleep if rings is unchanged. All are sequentially consistent, so either
 *    the sleeper sees the new state, or its sleep is refused, or the ringer sees its interest.
 * 3. No call into the futex code is made when nobody sleeps.
 * 4. Every sleeper checks the failure and shutdown words too: REASON_ANY wakes it for those.
 */
import { assert } from '../assert.js';
import { BELL_INTEREST, BELL_RINGS, BELL_WORDS } from '../layout/bells.js';

/** Reasons for ringing; a bit mask. */
export const REASON_APPENDED = 1;
export const REASON_WRITTEN = 2;
export const REASON_SYNCED = 4;
export const REASON_APPLIED = 8;
/** Room was made: ring, queue, frames or log space. */
export const REASON_SPACE = 16;
/** A request word changed (checkpoint, shutdown), a segment is wanted or ready. */
export const REASON_REQUEST = 32;

const HALF_BITS = 15;
const HALF_MASK = (1 << HALF_BITS) - 1;
/** Failure and shutdown wake everyone, whatever they wait for. */
export const REASON_ANY = HALF_MASK;

assert(REASON_REQUEST < REASON_ANY, 'every reason fits its half of the interest word');

export function ringBell(bells: Int32Array, thread: number, reason: number): void {
  const base = thread * BELL_WORDS;
  Atomics.add(bells, base + BELL_RINGS, 1);
  const interest = Atomics.load(bells, base + BELL_INTEREST);
  if (((interest | (interest >>> HALF_BITS)) & reason) !== 0) {
    Atomics.notify(bells, base + BELL_RINGS);
  }
}

export function ringAllBells(bells: Int32Array, reason: number): void {
  const count = bells.length / BELL_WORDS;
  for (let thread = 0; thread < count; thread++) ringBell(bells, thread, reason);
}

/**
 * Declares interest and returns the ring count to sleep on. The caller re-checks its condition
 * after this call and before `sleepOnBell` (invariant 2), or calls `cancelSleep`.
 */
export function prepareToSleep(bells: Int32Array, thread: number, interest: number): number {
  const base = thread * BELL_WORDS;
  // The owner is the only writer of the word, so load and store need not be one step.
  const kept = Atomics.load(bells, base + BELL_INTEREST) & ~HALF_MASK;
  Atomics.store(bells, base + BELL_INTEREST, kept | (interest & HALF_MASK));
  return Atomics.load(bells, base + BELL_RINGS);
}

export function cancelSleep(bells: Int32Array, thread: number): void {
  prepareToSleep(bells, thread, 0);
}

/** Blocks until the bell rings; `timeoutMs` bounds a single wait, the caller loops. */
export function sleepOnBell(
  bells: Int32Array,
  thread: number,
  rings: number,
  timeoutMs = Infinity,
): void {
  Atomics.wait(bells, thread * BELL_WORDS + BELL_RINGS, rings, timeoutMs);
  cancelSleep(bells, thread);
}

/**
 * Blocks until the condition holds. `sleep` gets the ring count and returns when the bell rang, or
 * sooner: `sleepOnBell`, or what stands for it where nothing may really sleep.
 *
 * The condition may block in the same way (a commit is appended in it, and waits for room): when
 * that wait ends, the interest it found declared is declared again. What rang meanwhile has
 * changed the ring count.
 */
export function blockUntil(
  bells: Int32Array,
  thread: number,
  interest: number,
  condition: () => boolean,
  sleep: (rings: number) => void,
): void {
  const outer = Atomics.load(bells, thread * BELL_WORDS + BELL_INTEREST) & HALF_MASK;
  try {
    for (;;) {
      const rings = prepareToSleep(bells, thread, interest);
      if (condition()) return;
      sleep(rings);
    }
  } finally {
    prepareToSleep(bells, thread, outer);
  }
}

/** As `prepareToSleep`, for the asynchronous wait. Interest 0 withdraws it. */
export function prepareToWaitAsync(bells: Int32Array, thread: number, interest: number): number {
  const base = thread * BELL_WORDS;
  const kept = Atomics.load(bells, base + BELL_INTEREST) & HALF_MASK;
  Atomics.store(bells, base + BELL_INTEREST, kept | ((interest & HALF_MASK) << HALF_BITS));
  return Atomics.load(bells, base + BELL_RINGS);
}

/**
 * Resolves when the bell rings, or returns `undefined` when it has rung since `rings` was taken.
 * At most one such wait per thread; it does not keep the process alive. The interest stays
 * declared: whoever goes on waiting prepares anew, whoever stops prepares with interest 0.
 */
export function waitOnBellAsync(
  bells: Int32Array,
  thread: number,
  rings: number,
): Promise<unknown> | undefined {
  const outcome = Atomics.waitAsync(bells, thread * BELL_WORDS + BELL_RINGS, rings);
  return outcome.async ? outcome.value : undefined;
}

/** Mutex, bells and wide counters on real threads. A lost wake-up shows as the test's time-out. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  BELLS_BYTES,
  MUTEX_FREE,
  REASON_APPENDED,
  REASON_SPACE,
  cancelSleep,
  lockMutexFor,
  prepareToSleep,
  prepareToWaitAsync,
  ringBell,
  sleepOnBell,
  storeWide,
  unlockMutex,
  waitOnBellAsync,
} from '@manifold-db/storage';
import { runThreads } from './threads/run-threads.js';

function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

describe('mutex on threads', () => {
  it('lets one thread in at a time', async () => {
    const words = sharedWords(64);
    const data = { words, rounds: 60_000 };
    const job = { file: 'mutex-counter.mjs', data };
    await runThreads([job, job, job]);
    expect([words[0], words[1], words[33]]).toEqual([0, 180_000, 180_000]);
  });

  it('does not take losing the race again and again for a dead holder', async () => {
    const words = sharedWords(1);
    expect(lockMutexFor(words, 0, 0)).toBe(true);
    const waiter = runThreads([{ file: 'mutex-waiter.mjs', data: { words } }]);
    // Each of these is an unlock after which another thread was faster than the one that woke.
    for (let lost = 0; lost < 100; lost++) {
      while (Atomics.notify(words, 0, 1) === 0) await setImmediate();
    }
    unlockMutex(words, 0);
    expect(await waiter).toEqual(['done']);
    expect(words[0]).toBe(MUTEX_FREE);
  });
});

describe('bells on threads', () => {
  it.each([false, true])('lose no wake-up between two threads (noise: %s)', async (noise) => {
    const bells = new Int32Array(new SharedArrayBuffer(BELLS_BYTES));
    const turn = sharedWords(1);
    turn[0] = 3;
    const rounds = 25_000;
    const results = (await runThreads([
      { file: 'bell-player.mjs', data: { bells, turn, thread: 3, other: 4, rounds, noise } },
      { file: 'bell-player.mjs', data: { bells, turn, thread: 4, other: 3, rounds, noise } },
    ])) as { sleeps: number }[];
    expect(turn[0]).toBe(3);
    expect(results[0]!.sleeps + results[1]!.sleeps).toBeGreaterThan(0);
  });

  it('wake the event loop while blocking waits come and go', async () => {
    const bells = new Int32Array(new SharedArrayBuffer(BELLS_BYTES));
    const turn = sharedWords(1);
    const rounds = 3000;
    const [own, other] = [0, 3];
    turn[0] = other;
    const data = { bells, turn, thread: other, other: own, rounds, noise: true };
    const player = runThreads([{ file: 'bell-player.mjs', data }]);
    // Atomics.waitAsync does not keep the process alive.
    const alive = setInterval(() => {}, 1000);
    for (let round = 0; round < rounds; round++) {
      for (;;) {
        const rings = prepareToWaitAsync(bells, own, REASON_APPENDED);
        if (Atomics.load(turn, 0) === own) break;
        const wait = waitOnBellAsync(bells, own, rings);
        // A blocking call in between, for a reason that never comes.
        const blocked = prepareToSleep(bells, own, REASON_SPACE);
        if (round % 3 === 0) sleepOnBell(bells, own, blocked, 0.01);
        else cancelSleep(bells, own);
        await wait;
      }
      Atomics.store(turn, 0, other);
      ringBell(bells, other, REASON_APPENDED);
    }
    clearInterval(alive);
    await player;
    expect(turn[0]).toBe(other);
  });
});

describe('wide counters on threads', () => {
  it.each([2 ** 31 - 700_000, 2 ** 32 - 700_000, 2 ** 40])(
    'are never torn, from %d on',
    async (start) => {
      const words = sharedWords(16);
      storeWide(words, 0, start);
      const [written, read] = (await runThreads([
        { file: 'wide-writer.mjs', data: { words, start, stores: 1_000_000 } },
        { file: 'wide-reader.mjs', data: { words, start, enough: 20_000 } },
      ])) as { last: number }[];
      expect(read!.last).toBe(written!.last);
    },
  );
});

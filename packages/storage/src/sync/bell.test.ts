import { describe, expect, it } from 'vitest';
import {
  BELLS_BYTES,
  BELL_INTEREST,
  BELL_RINGS,
  BELL_WORDS,
  THREAD_MAIN,
} from '../layout/bells.js';
import {
  REASON_ANY,
  REASON_SPACE,
  REASON_SYNCED,
  REASON_WRITTEN,
  blockUntil,
  cancelSleep,
  prepareToSleep,
  prepareToWaitAsync,
  ringAllBells,
  ringBell,
  sleepOnBell,
  waitOnBellAsync,
} from './bell.js';

const THREAD = 3;

function newBells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(BELLS_BYTES));
}

function interestOf(bells: Int32Array, thread: number): number {
  return bells[thread * BELL_WORDS + BELL_INTEREST]!;
}

describe('bells', () => {
  it('refuse to sleep when they rang after the sleeper prepared', () => {
    const bells = newBells();
    const rings = prepareToSleep(bells, THREAD, REASON_SYNCED);
    ringBell(bells, THREAD, REASON_SYNCED);
    sleepOnBell(bells, THREAD, rings);
    expect(interestOf(bells, THREAD)).toBe(0);
  });

  it('count every ring and only their own', () => {
    const bells = newBells();
    ringBell(bells, THREAD, REASON_SPACE);
    ringBell(bells, THREAD, REASON_SPACE);
    expect(bells[THREAD * BELL_WORDS + BELL_RINGS]).toBe(2);
    expect(bells[(THREAD + 1) * BELL_WORDS + BELL_RINGS]).toBe(0);
    ringAllBells(bells, REASON_ANY);
    expect(bells[THREAD * BELL_WORDS + BELL_RINGS]).toBe(3);
    expect(bells[(THREAD + 1) * BELL_WORDS + BELL_RINGS]).toBe(1);
  });

  it('wake an asynchronous waiter for its reasons and for REASON_ANY only', async () => {
    for (const [reason, wakes] of [
      [REASON_SYNCED, true],
      [REASON_ANY, true],
      [REASON_SPACE, false],
    ] as const) {
      const bells = newBells();
      const rings = prepareToWaitAsync(bells, THREAD_MAIN, REASON_SYNCED);
      const wait = waitOnBellAsync(bells, THREAD_MAIN, rings)!;
      ringBell(bells, THREAD_MAIN, reason);
      // Whoever was not notified is still counted as a waiter by a plain notify.
      const left = Atomics.notify(bells, THREAD_MAIN * BELL_WORDS + BELL_RINGS);
      expect(left).toBe(wakes ? 0 : 1);
      await wait;
    }
  });

  it('refuse an asynchronous wait when they rang before it began', () => {
    const bells = newBells();
    const rings = prepareToWaitAsync(bells, THREAD_MAIN, REASON_SYNCED);
    ringBell(bells, THREAD_MAIN, REASON_WRITTEN);
    expect(waitOnBellAsync(bells, THREAD_MAIN, rings)).toBeUndefined();
  });

  it('sleep for the outer one of two blocking waits once the inner one has ended', () => {
    const bells = newBells();
    const slept: number[] = [];
    let isInnerDue = false;
    let isOuterDue = false;
    let looks = 0;
    const inner = (): void => {
      const sleepInner = (): void => {
        slept.push(interestOf(bells, THREAD_MAIN));
        isInnerDue = true;
      };
      blockUntil(bells, THREAD_MAIN, REASON_SPACE, () => isInnerDue, sleepInner);
    };
    const isDue = (): boolean => {
      if (looks++ === 0) inner();
      return isOuterDue;
    };
    blockUntil(bells, THREAD_MAIN, REASON_SYNCED, isDue, () => {
      slept.push(interestOf(bells, THREAD_MAIN));
      isOuterDue = true;
    });
    expect(slept).toEqual([REASON_SPACE, REASON_SYNCED]);
    expect(interestOf(bells, THREAD_MAIN)).toBe(0);
  });

  it('withdraw the interest of a blocking wait whose condition throws', () => {
    const bells = newBells();
    const fail = (): boolean => {
      throw new Error('poisoned');
    };
    expect(() => blockUntil(bells, THREAD_MAIN, REASON_SYNCED, fail, () => {})).toThrow('poisoned');
    expect(interestOf(bells, THREAD_MAIN)).toBe(0);
  });

  it('keep the interest of the asynchronous wait through a blocking one', async () => {
    const bells = newBells();
    const asyncRings = prepareToWaitAsync(bells, THREAD_MAIN, REASON_SYNCED);
    const wait = waitOnBellAsync(bells, THREAD_MAIN, asyncRings)!;
    // A blocking call of the user comes and goes meanwhile.
    const rings = prepareToSleep(bells, THREAD_MAIN, REASON_SPACE);
    sleepOnBell(bells, THREAD_MAIN, rings, 1);
    prepareToSleep(bells, THREAD_MAIN, REASON_ANY);
    cancelSleep(bells, THREAD_MAIN);
    ringBell(bells, THREAD_MAIN, REASON_SYNCED);
    await wait;
    prepareToWaitAsync(bells, THREAD_MAIN, 0);
    expect(interestOf(bells, THREAD_MAIN)).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { BELL_RINGS, BELL_WORDS } from '../layout/bells.js';
import { ringBell, REASON_SYNCED } from './bell.js';
import { SpinPolicy, ringsOf, spinOnBell } from './spin.js';

const THREAD = 1;

function newBells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * BELL_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

describe('a wait that is awake', () => {
  it('ends at once when the bell has rung since the count was taken', () => {
    const bells = newBells();
    const rings = ringsOf(bells, THREAD);
    ringBell(bells, THREAD, REASON_SYNCED);
    expect(spinOnBell(bells, THREAD, rings, Infinity)).toBe(true);
  });

  it('ends when its time is over', () => {
    const bells = newBells();
    expect(spinOnBell(bells, THREAD, ringsOf(bells, THREAD), performance.now() - 1)).toBe(false);
  });

  it('looks at its own bell only, across the wrap of the count', () => {
    const bells = newBells();
    bells[THREAD * BELL_WORDS + BELL_RINGS] = 0x7fffffff;
    const rings = ringsOf(bells, THREAD);
    ringBell(bells, 0, REASON_SYNCED);
    expect(spinOnBell(bells, THREAD, rings, 0)).toBe(false);
    ringBell(bells, THREAD, REASON_SYNCED);
    expect(spinOnBell(bells, THREAD, rings, Infinity)).toBe(true);
    expect(ringsOf(bells, THREAD)).toBe(-0x80000000);
  });
});

describe('the policy', () => {
  it('waits until the condition holds, looked at first and after every ring', () => {
    const bells = newBells();
    let looks = 0;
    // Each look is followed by a ring, as from another thread.
    const third = (): boolean => {
      ringBell(bells, THREAD, REASON_SYNCED);
      return ++looks === 3;
    };
    expect(new SpinPolicy(60_000, 2).waitFor(bells, THREAD, third)).toBe(true);
    expect(looks).toBe(3);
  });

  it('goes to sleep when the condition does not come, and does not look when it is given up', () => {
    const bells = newBells();
    const policy = new SpinPolicy(0.01, 2);
    let looks = 0;
    const never = (): boolean => ++looks === 0;
    const answers = Array.from({ length: 4 }, () => policy.waitFor(bells, THREAD, never));
    expect([answers, looks]).toEqual([[false, false, false, false], 3]);
  });

  it('gives up after waits in vain, tries again now and then, and comes back', () => {
    const policy = new SpinPolicy(1, 2);
    const answers = Array.from({ length: 200 }, () => {
      const answer = policy.shouldSpin();
      if (answer) policy.ended(false);
      return answer;
    });
    expect(answers.slice(0, 4)).toEqual([true, true, true, false]);
    expect(answers.filter(Boolean).length).toBe(15);
    while (!policy.shouldSpin());
    policy.ended(true);
    expect([policy.shouldSpin(), policy.shouldSpin()]).toEqual([true, true]);
  });

  it('never spins with one processor', () => {
    expect(new SpinPolicy(1, 1).shouldSpin()).toBe(false);
  });
});

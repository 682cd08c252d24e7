import { describe, expect, it } from 'vitest';
import { drain } from './drain.js';

/** Lets everything that is ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('drain', () => {
  it('works everything off, what comes up meanwhile included, never more than allowed at once', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await drain(3, [10, 20, 30, 40, 50], async (item) => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      done.push(item);
      return item % 10 === 0 && item < 40 ? [item + 1, item + 2] : [];
    });
    expect(done.sort()).toEqual([10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 50]);
    expect(most).toBe(3);
  });

  it('ends at once when there is nothing to do', async () => {
    await drain(2, [], () => Promise.reject(new Error('never called')));
  });

  it('begins nothing after an error, and throws the first one when all are over', async () => {
    const begun: number[] = [];
    let running = 0;
    const draining = drain(2, [1, 2, 3, 4], async (item) => {
      begun.push(item);
      running++;
      if (item === 4) {
        running--;
        throw new Error('first');
      }
      await turn();
      running--;
      throw new Error('second');
    });
    await expect(draining).rejects.toThrow('first');
    expect(begun).toEqual([4, 3]);
    expect(running).toBe(0);
  });
});

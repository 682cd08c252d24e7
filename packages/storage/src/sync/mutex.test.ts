import { describe, expect, it } from 'vitest';
import { InvariantError } from '../assert.js';
import { MUTEX_FREE, lockMutexFor, unlockMutex } from './mutex.js';

describe('mutex', () => {
  it('is free again after unlock', () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    for (let round = 0; round < 3; round++) {
      expect(lockMutexFor(words, 1, 0)).toBe(true);
      expect(words[1]).not.toBe(MUTEX_FREE);
      unlockMutex(words, 1);
      expect([words[0], words[1]]).toEqual([0, MUTEX_FREE]);
    }
  });

  it('gives up after a wait that nobody ended, and stays usable', () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    lockMutexFor(words, 0, 0);
    expect(lockMutexFor(words, 0, 1)).toBe(false);
    unlockMutex(words, 0);
    expect(lockMutexFor(words, 0, 1)).toBe(true);
    unlockMutex(words, 0);
    expect(words[0]).toBe(MUTEX_FREE);
  });

  it('crashes when someone unlocks what is not locked', () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    expect(() => unlockMutex(words, 0)).toThrow(InvariantError);
  });
});

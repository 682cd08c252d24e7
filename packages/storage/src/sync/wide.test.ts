import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../assert.js';
import { loadWide, loadWideOwned, storeWide, storeWideOwned } from './wide.js';

const EDGES = [
  0,
  1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 31 + 1,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 2 ** 31,
  2 ** 53 - 1,
];

describe('wide counters', () => {
  it('hold every safe integer', () => {
    const words = new Int32Array(4);
    const check = (value: number): void => {
      storeWide(words, 1, value);
      expect(loadWide(words, 1)).toBe(value);
      expect(loadWideOwned(words, 1)).toBe(value);
      storeWideOwned(words, 1, value);
      expect(loadWide(words, 1)).toBe(value);
    };
    for (const value of EDGES) check(value);
    fc.assert(fc.property(fc.maxSafeNat(), check));
    expect([words[0], words[3]]).toEqual([0, 0]);
  });

  it('refuse anything else', () => {
    const words = new Int32Array(2);
    expect(() => storeWide(words, 0, -1)).toThrow(InvariantError);
    expect(() => storeWide(words, 0, 2 ** 53)).toThrow(InvariantError);
    expect(() => storeWide(words, 0, Number.NaN)).toThrow(InvariantError);
  });

  it('show a half-done store as different overlap bits whenever the high word moved', () => {
    const [before, after] = [new Int32Array(2), new Int32Array(2)];
    for (const start of EDGES.filter((edge) => edge < 2 ** 52)) {
      for (const step of [1, 1000, 2 ** 30, 2 ** 31 - 1, 2 ** 31]) {
        storeWide(before, 0, start);
        storeWide(after, 0, start + step);
        const [low, high] = [before[0]!, after[1]!];
        const looksWhole = low >>> 31 === (high & 1);
        expect(looksWhole).toBe(high === before[1]);
      }
    }
  });
});

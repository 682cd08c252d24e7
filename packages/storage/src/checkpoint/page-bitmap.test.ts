import { describe, expect, it } from 'vitest';
import { PageBitmap } from './page-bitmap.js';

describe('PageBitmap', () => {
  it('agrees with a set of numbers under random changes', () => {
    const bitmap = new PageBitmap();
    const set = new Set<number>();
    let state = 12_345;
    const random = (bound: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 8) % bound;
    };
    for (let round = 0; round < 5_000; round++) {
      const page = random(4) === 0 ? random(100_000) : random(300);
      switch (random(8)) {
        case 0:
        case 1:
        case 2:
        case 3:
          expect(bitmap.add(page)).toBe(!set.has(page));
          set.add(page);
          break;
        case 4:
        case 5:
          expect(bitmap.delete(page)).toBe(set.delete(page));
          break;
        case 6:
          expect(bitmap.has(page)).toBe(set.has(page));
          break;
        default: {
          const lowest = [...set].sort((a, b) => a - b).slice(0, 3);
          expect([...bitmap.takeLowest(3)]).toEqual(lowest);
          for (const taken of lowest) set.delete(taken);
        }
      }
      expect(bitmap.count).toBe(set.size);
    }
    const sorted = [...set].sort((a, b) => a - b);
    expect([...bitmap.toArray()]).toEqual(sorted);
    expect(bitmap.highest()).toBe(sorted.at(-1));
    expect([...bitmap.copy().toArray()]).toEqual(sorted);
  });

  it('gives its bits as bytes and takes them back', () => {
    const bitmap = new PageBitmap();
    for (const page of [0, 7, 8, 31, 32, 4095, 4096, 9000]) bitmap.add(page);
    const copy = new PageBitmap();
    for (let from = 0; from < 16_384; from += 4096) {
      copy.addBytes(from, bitmap.bytes(from, 4096));
    }
    expect([...copy.toArray()]).toEqual([...bitmap.toArray()]);
    expect(bitmap.bytes(1 << 20, 4096).length).toBe(0);
  });

  it('is empty at first', () => {
    const bitmap = new PageBitmap();
    expect([bitmap.count, bitmap.next(0), bitmap.highest()]).toEqual([0, -1, -1]);
    expect(bitmap.takeLowest(5).length).toBe(0);
    expect(bitmap.next(1 << 20)).toBe(-1);
    bitmap.add(70);
    expect([bitmap.next(70), bitmap.next(71)]).toEqual([70, -1]);
    bitmap.clear();
    expect(bitmap.has(70)).toBe(false);
  });
});

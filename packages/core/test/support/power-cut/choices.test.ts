import type { PendingWrite, Survival } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { Choices, type Fates } from './choices.js';

const SEED = 5;

function writes(count: number, bytes: number): PendingWrite[] {
  return Array.from({ length: count }, (_, index) => {
    const offset = index * bytes;
    const description = `write ${index}`;
    return { index, operation: index, kind: 'write', description, offset, bytes };
  });
}

function isWhole(fate: Survival | undefined, bytes: number): boolean {
  return fate !== undefined && fate.from === 0 && fate.to === bytes;
}

/** One letter for each write: kept, lost, torn. */
function text(fates: Fates, bytes: number): string {
  const letter = (fate: Survival | undefined) => (isWhole(fate, bytes) ? 'k' : 't');
  return fates.map((fate) => (fate === undefined ? '-' : letter(fate))).join('');
}

function all(choices: Choices, bytes: number): string[] {
  return Array.from({ length: choices.count }, (_, number) => text(choices.at(number), bytes));
}

describe('choices at a power cut', () => {
  it('are all subsets of ten changes', () => {
    const choices = new Choices(writes(10, 100), SEED);
    const texts = all(choices, 100).filter((one) => !one.includes('t'));
    expect(new Set(texts).size).toBe(1024);
  });

  it('are none, each alone, all but each, all up to each, and random ones of more', () => {
    const texts = all(new Choices(writes(12, 100), SEED), 100).filter((one) => !one.includes('t'));
    const kept = (keeps: (index: number) => boolean) =>
      Array.from({ length: 12 }, (_, index) => (keeps(index) ? 'k' : '-')).join('');
    const expected = [kept(() => false)];
    for (let at = 0; at < 12; at++) {
      expected.push(
        kept((index) => index === at),
        kept((index) => index !== at),
        kept((index) => index <= at),
      );
    }
    expect(texts.slice(0, expected.length)).toEqual(expected);
    const random = new Set(texts.slice(expected.length));
    expect(random.size).toBeGreaterThan(50);
  });

  it('tear a write at every sector, either side surviving', () => {
    const [write] = writes(1, 1500);
    const choices = new Choices([{ ...write!, offset: 100 }], SEED);
    const parts = Array.from({ length: choices.count }, (_, number) => choices.at(number)[0]);
    for (const cut of [412, 924, 1436]) {
      expect(parts).toContainEqual({ from: 0, to: cut });
      expect(parts).toContainEqual({ from: cut, to: 1500 });
    }
  });

  it('come by number, the same each time, the first ones of all kinds', () => {
    const choices = new Choices(writes(8, 2000), SEED);
    const again = new Choices(writes(8, 2000), SEED);
    const numbers = [...choices.numbers()];
    expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, index) => index));
    for (const number of numbers) expect(again.at(number)).toEqual(choices.at(number));
    const first = numbers.slice(0, 20).map((number) => text(choices.at(number), 2000));
    expect(first.some((one) => one.includes('t'))).toBe(true);
    expect(first.some((one) => !one.includes('t'))).toBe(true);
  });
});

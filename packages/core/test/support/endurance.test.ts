/** Growth is told from noise. */
import { describe, expect, it } from 'vitest';
import { growing, type Usage } from './endurance.js';

const MIB = 1024 * 1024;

function usage(cycle: number, grown: Partial<Record<keyof Usage, number>> = {}): Usage {
  const noise = cycle % 3;
  const flat: Usage = {
    dataFileBytes: 8 * MIB + noise * 4096,
    logBytes: 12 * MIB,
    residentBytes: (180 + noise * 5) * MIB,
    heapBytes: (30 + noise) * MIB,
    openFiles: 20 + (noise === 0 ? 1 : 0),
    threads: 11,
  };
  const added = Object.entries(grown).map(([name, step]) => {
    return [name, flat[name as keyof Usage] + step * cycle];
  });
  return { ...flat, ...Object.fromEntries(added) };
}

function series(grown?: Partial<Record<keyof Usage, number>>): Usage[] {
  return Array.from({ length: 24 }, (_, cycle) => usage(cycle, grown));
}

describe('growth', () => {
  it('is not seen in a plateau', () => {
    expect(growing(series())).toEqual([]);
  });

  it.each([
    ['dataFileBytes', MIB],
    ['logBytes', 2 * MIB],
    ['residentBytes', 16 * MIB],
    ['heapBytes', 2 * MIB],
    ['openFiles', 1],
    ['threads', 0.5],
  ] as const)('of %s is found', (name, step) => {
    expect(growing(series({ [name]: step }))[0]).toMatch(new RegExp(`^${name}`));
  });
});

/**
 * Bugs of the original, put back behind a test switch: the simulation (`proof-simulation.test.ts`)
 * finds each of them. One that it does not find would show a check that cannot fail.
 */
import {
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_LOST_LEADER,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  TEST_SWITCH_RECYCLE_EARLY,
  TEST_SWITCH_REUSE_EARLY,
} from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { runSeed } from './support/simulation/run-seed.js';

/** With a seed that shows it; when a change of the plan moves that, the search finds the next. */
const BUGS: readonly (readonly [name: string, bugs: number, firstSeed: number])[] = [
  ['B1, over-acknowledging', TEST_SWITCH_OVER_ACKNOWLEDGE, 7001],
  ['B3, the lost leader', TEST_SWITCH_LOST_LEADER, 7039],
  ['B4, segments recycled early', TEST_SWITCH_RECYCLE_EARLY, 7047],
  ['B7, pages not synced', TEST_SWITCH_PAGES_NOT_SYNCED, 7031],
  ['B8, pages reused early', TEST_SWITCH_REUSE_EARLY, 8000],
  ['B9, appending behind garbage', TEST_SWITCH_APPEND_BEHIND_GARBAGE, 7078],
];
const SEEDS_MAX = 600;

/** Seeds until the bug shows. */
async function findBug(bugs: number, firstSeed: number): Promise<number | undefined> {
  for (let seed = firstSeed; seed < firstSeed + SEEDS_MAX; seed++) {
    const { problems } = await runSeed(seed, { bugs });
    if (problems.length > 0) return seed;
  }
  return undefined;
}

describe('a bug of the original, put back, is found', () => {
  it.each(BUGS)('%s', { timeout: 300_000 }, async (_name, bugs, firstSeed) => {
    const seed = await findBug(bugs, firstSeed);
    expect(seed).toBeDefined();
    // Without the bug the same seed runs through.
    expect((await runSeed(seed!)).problems).toEqual([]);
  });
});

/**
 * Crash states. The power fails before every single operation of whole lives of a database, and
 * leaves any part of what was not synced (`support/power-cut/`). `kill -9` tests cannot see what
 * these see: the kernel keeps what a dead process wrote, a disk without power does not (TRAPS B7).
 */
import {
  TEST_SWITCH_ASSIGNED_BEFORE_SYNC,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  TEST_SWITCH_REUSE_EARLY,
} from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { KINDS_OF_LIFE } from './support/power-cut/lives.js';
import { CrashStates, type Campaign } from './support/power-cut/search.js';
import { proof, type ProofRun } from './support/proof.js';

/** In the small size one life of every kind in every mode has its turn. */
const IMAGES_PER_LIFE_SMALL = 1_700;
const IMAGES_PER_LIFE_LARGE = 25_000;
const IMAGES_PER_BUG_AND_LIFE = 400;

function campaignOf(run: ProofRun): Campaign {
  return {
    seed: run.seed,
    imagesPerLife: run.isLarge ? IMAGES_PER_LIFE_LARGE : IMAGES_PER_LIFE_SMALL,
    isOfOneCase: run.onlyCase !== undefined,
    get isOver() {
      return run.isOver;
    },
    looked: () => ++run.done,
    figure: (name, value) => run.figure(name, value),
    problem: (oneCase, text) => run.problem(oneCase, text),
  };
}

describe('crash states', () => {
  const plan = { name: 'crash-states', unit: 'distinct images', small: 40_000, large: 2_000_000 };
  proof(plan, async (run) => {
    const states = new CrashStates(campaignOf(run));
    if (run.onlyCase !== undefined) await states.only(run.onlyCase);
    else for (let number = 0; !run.isOver; number++) await states.life(number);
  });
});

/** What a search of the lives of an engine with a bug put back finds first. */
async function counterExample(testSwitches: number): Promise<string | undefined> {
  const problems: string[] = [];
  let done = 0;
  const states = new CrashStates({
    seed: 1,
    imagesPerLife: IMAGES_PER_BUG_AND_LIFE,
    testSwitches,
    isOfOneCase: false,
    get isOver() {
      return problems.length > 0;
    },
    looked: () => ++done,
    figure: () => {},
    problem: (_oneCase, text) => problems.push(text),
  });
  for (let number = 0; number < KINDS_OF_LIFE && problems.length === 0; number++) {
    await states.life(number);
  }
  return problems[0];
}

const DAMAGED_PAGE = /checksum mismatch|its parent expects/;

describe('the search sees bugs of the original (TRAPS B)', () => {
  it.each([
    ['B1: what comes during a sync counts as synced', TEST_SWITCH_OVER_ACKNOWLEDGE, /is lost/],
    ['B1: what has a number counts as written', TEST_SWITCH_ASSIGNED_BEFORE_SYNC, /is lost/],
    ['B7: pages of a checkpoint are not synced', TEST_SWITCH_PAGES_NOT_SYNCED, DAMAGED_PAGE],
    ['B8: pages of a durable version are reused', TEST_SWITCH_REUSE_EARLY, DAMAGED_PAGE],
  ])('%s', async (_bug, testSwitches, expected) => {
    expect(await counterExample(testSwitches)).toMatch(expected);
  });
});

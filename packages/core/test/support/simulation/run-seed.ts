/**
 * A whole run of one seed: a thousand scheduled steps in one life of a database or two, what each
 * leaves behind recovered by the next.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { randomFrom } from '../simulator.js';
import { takeTurn } from './turn.js';
import { Life, compareAtEnd, describe, type Inheritance } from './life.js';
import { Model } from './model.js';
import { OperationHash } from './operation-hash.js';
import { drawLife, whole } from './plan.js';
import type { Course } from './world.js';

const STEPS = 1000;
/** Runs whose steps are shared out among two lives. */
const TWO_LIVES_SHARE = 0.4;

export interface SeedRun {
  readonly hash: string;
  readonly problems: readonly string[];
  readonly figures: ReadonlyMap<string, number>;
  readonly trace: readonly string[];
}

export interface SeedOptions {
  /** TEST_SWITCH_* bits. */
  readonly bugs?: number;
  /** Notes every step in words. */
  readonly isTraced?: boolean;
}

export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedRun> {
  const random = randomFrom(seed);
  const hash = new OperationHash();
  if (options.isTraced === true) hash.trace = [];
  const problems: string[] = [];
  const figures = new Map<string, number>();
  const course: Course = { model: new Model(), random, hash, problems, valueCount: 0, figures };
  const first = random() < TWO_LIVES_SHARE ? whole(random, 200, 800) : STEPS;
  const lives = first === STEPS ? [STEPS] : [first, STEPS - first];
  let left: Inheritance = { disk: new SimulatedDisk(), least: 0, doubtful: undefined };
  try {
    for (const steps of lives) {
      const plan = drawLife(random, steps);
      left = await Life.run(course, plan, left, options.bugs);
      if (problems.length > 0) break;
    }
    if (problems.length === 0) await compareAtEnd(course, left);
  } catch (error) {
    problems.push(describe(error));
  }
  await takeTurn();
  return { hash: hash.digest(), problems, figures, trace: hash.trace ?? [] };
}

/**
 * A proof: a search for a counter-example that comes in two sizes. The *small* one runs with the
 * tests, the *large* one with `npm run soak -- <name>`; both are the same test with another count.
 * It prints what it did in numbers; a failure names the case, and one command runs that case again.
 *
 * Environment, set by `scripts/soak.mjs`
 * - MANIFOLD_PROOF_SIZE: small (default) or large
 * - MANIFOLD_PROOF_COUNT: another count
 * - MANIFOLD_PROOF_MINUTES: ends after so many minutes, whatever the count
 * - MANIFOLD_PROOF_CASE: this case only
 * - MANIFOLD_PROOF_REPORT: file that gets the figures as one line of JSON
 * - MANIFOLD_PROOF_SHARE: `1/2` for the second half of the cases, which another process looks at
 * - MANIFOLD_SEED: another seed
 */
import { appendFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const { env } = process;
const SEED = Number(env['MANIFOLD_SEED'] ?? 20261123);
const IS_LARGE = env['MANIFOLD_PROOF_SIZE'] === 'large';
/** Only against a run that hangs; a small proof takes seconds, a large one hours. */
const SMALL_LIMIT_MS = 600_000;
const LARGE_LIMIT_MS = 24 * 3_600_000;
/** Enough to see a pattern. */
const PROBLEMS_MAX = 20;
const MS_PER_MINUTE = 60_000;

export interface ProofPlan {
  /** What `npm run soak` knows it by. */
  readonly name: string;
  /** What is counted, in the plural: `distinct disk images`. */
  readonly unit: string;
  readonly small: number;
  readonly large: number;
  /** Its cases are independent, and the search takes its share of them (`firstCase`, `shares`). */
  readonly canShare?: boolean;
}

/** Which of how many processes this one is. */
function readShare(plan: ProofPlan): [number, number] {
  const text = env['MANIFOLD_PROOF_SHARE'];
  if (text === undefined) return [0, 1];
  if (plan.canShare !== true) throw new Error(`${plan.name} cannot be shared among processes`);
  const [share, shares] = text.split('/').map(Number);
  return [share!, shares!];
}

export class ProofRun {
  readonly seed = SEED;
  readonly isLarge = IS_LARGE;
  /** How many are asked for. */
  count: number;
  /** Run this case and no other: what `problem` was given as the case. */
  readonly onlyCase = env['MANIFOLD_PROOF_CASE'];
  /** How many there were. */
  done = 0;
  /** Of all cases, counted from 0, this process takes every `shares`-th from here on. */
  readonly firstCase: number;
  readonly shares: number;
  readonly #plan: ProofPlan;
  readonly #startedMs = performance.now();
  readonly #figures: Record<string, number | string> = {};
  readonly #problems: string[] = [];

  constructor(plan: ProofPlan) {
    this.#plan = plan;
    const ordinary = IS_LARGE ? plan.large : plan.small;
    const wanted = Number(env['MANIFOLD_PROOF_COUNT'] ?? ordinary);
    [this.firstCase, this.shares] = readShare(plan);
    this.count = Math.ceil((wanted - this.firstCase) / this.shares);
  }

  /** There are so many in all, and the plan's count only says that they are not fewer. */
  askForAll(count: number): void {
    expect(count).toBeGreaterThanOrEqual(this.#plan.large);
    if (env['MANIFOLD_PROOF_COUNT'] === undefined) this.count = count;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** It ends by the clock, whatever the count. */
  get isTimed(): boolean {
    return env['MANIFOLD_PROOF_MINUTES'] !== undefined;
  }

  /** The count is reached, time is over, or there are problems enough. */
  get isOver(): boolean {
    const minutes = env['MANIFOLD_PROOF_MINUTES'];
    if (this.#problems.length >= PROBLEMS_MAX) return true;
    if (minutes !== undefined) return this.elapsedMs >= Number(minutes) * MS_PER_MINUTE;
    return this.done >= this.count;
  }

  /** A figure beside the count: `retries`, `largest image`. Numbers of one name are added up. */
  figure(name: string, value: number | string): void {
    const before = this.#figures[name];
    const isSum = typeof value === 'number' && typeof before === 'number';
    this.#figures[name] = isSum ? before + value : value;
  }

  /**
   * A counter-example. The case is what `onlyCase` is given to run it again. It is printed at once:
   * a large run goes on for hours, and may be stopped before its end.
   */
  problem(oneCase: string, text: string): void {
    const { name } = this.#plan;
    const command = `npm run soak -- ${name} --seed ${this.seed} --case '${oneCase}'`;
    const problem = `${oneCase}: ${text}\n  again: ${command}`;
    this.#problems.push(problem);
    process.stdout.write(`counter-example ${problem}\n`);
  }

  /** Prints the figures, and fails when there was a counter-example or too little was looked at. */
  end(): void {
    const { name, unit } = this.#plan;
    const seconds = Math.round(this.elapsedMs / 100) / 10;
    const { seed, done } = this;
    const size = IS_LARGE ? 'large' : 'small';
    const line = { proof: name, size, done, unit, seconds, seed, ...this.#figures };
    process.stdout.write(`proof ${JSON.stringify(line)}\n`);
    const file = env['MANIFOLD_PROOF_REPORT'];
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
    expect(this.#problems.join('\n')).toBe('');
    const isWhole = this.onlyCase === undefined && !this.isTimed;
    if (isWhole) expect(done).toBeGreaterThanOrEqual(this.count);
  }
}

/** Registers the proof as a test. */
export function proof(plan: ProofPlan, search: (run: ProofRun) => Promise<void>): void {
  const timeout = IS_LARGE ? LARGE_LIMIT_MS : SMALL_LIMIT_MS;
  it(`${plan.name}: ${plan.unit}`, { timeout }, async () => {
    const run = new ProofRun(plan);
    await search(run);
    run.end();
  });
}

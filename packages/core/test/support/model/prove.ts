/**
 * Carries out all searches of one size, and tells what each of them found.
 */
import { expect } from 'vitest';
import type { ProofRun } from '../proof.js';
import { check, commandOf, type Outcome, type SearchLimits } from './check.js';
import { ReachedLines } from './reached-lines.js';
import { searches, type NamedSearch } from './searches.js';
import type { Tools } from './tools.js';

const SMALL: SearchLimits = {
  isLarge: false,
  depthMax: 100_000,
  memoryMib: 1900,
  limitMs: 240_000,
};
const LARGE: SearchLimits = {
  isLarge: true,
  depthMax: 2_000_000,
  memoryMib: 16_000,
  limitMs: 7_200_000,
};
/** Searches side by side: the small ones are mostly the compiler's work. */
const SEARCHERS_SMALL = 2;
const DIGITS = 1;

function report({ name, expected }: NamedSearch, outcome: Outcome): void {
  const { states, depth, seconds, memoryMib, finding } = outcome;
  const figures = `${states} states, depth ${depth}, ${Math.round(memoryMib)} MiB`;
  const time = `${seconds.toFixed(DIGITS)} s`;
  const text = expected === 'nothing' ? 'holds' : `finds: ${outcome.why}`;
  process.stdout.write(`model ${name}: ${finding === expected ? text : 'PROBLEM'}; `);
  process.stdout.write(`${figures}, ${time}\n`);
}

function problemOf(search: NamedSearch, { finding, why, trail }: Outcome): string | undefined {
  if (finding === search.expected) return undefined;
  const found = finding ?? 'a search that did not come to its end';
  return [
    `${search.expected} was expected, but there is ${found} (${why})`,
    `by hand: ${commandOf(search)}`,
    trail,
  ].join('\n');
}

export async function proveModels(run: ProofRun, tools: Tools): Promise<void> {
  let variants = 0;
  let configurations = 0;
  const lines = new ReachedLines();
  const waiting = searches(run.isLarge ? 'large' : 'small').filter(
    ({ name }) => run.onlyCase === undefined || run.onlyCase === name,
  );
  const searcher = async (): Promise<void> => {
    for (let search = waiting.shift(); search !== undefined; search = waiting.shift()) {
      const outcome = await check(tools, search, run.isLarge ? LARGE : SMALL);
      report(search, outcome);
      if (search.expected === 'nothing') {
        run.done += outcome.states;
        configurations++;
        lines.add(search, outcome);
      } else {
        variants++;
      }
      const problem = problemOf(search, outcome);
      if (problem !== undefined) run.problem(search.name, problem);
    }
  };
  const count = run.isLarge ? 1 : SEARCHERS_SMALL;
  await Promise.all(Array.from({ length: count }, searcher));
  if (run.onlyCase === undefined) {
    for (const line of lines.neverReached()) run.problem(line, 'no configuration reaches it');
  }
  run.figure('configurations', configurations);
  run.figure('variants with a bug', variants);
  expect(configurations + variants, 'cases of that name').toBeGreaterThan(0);
}

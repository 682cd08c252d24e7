/**
 * Bugs of the original (part B of the traps), put back one by one: the check that is named for each
 * must see it, and must see nothing in the engine as it is. A check that stays green could not
 * fail; a bug that no check sees would come back unseen. The table of which check kills which is
 * printed.
 */
import { describe } from 'vitest';
import { BUILD_MODES } from './support/modes.js';
import { TRAPS } from './support/mutants/catalogue.js';
import type { Mutant, Trial } from './support/mutants/mutant.js';
import { newRecord, printTable } from './support/mutants/table.js';
import { proof, type ProofRun } from './support/proof.js';

/** A bug needs an occasion: this many histories are looked at before it counts as unseen. */
const SEEDS = 6;
const ROUNDS_LARGE = 20;

const MUTANTS = TRAPS.flatMap(({ mutants }) => mutants);
const modesOf = (mutant: Mutant) => (mutant.isOfOneMode ? BUILD_MODES.slice(-1) : BUILD_MODES);
const TRIALS = MUTANTS.reduce((sum, mutant) => sum + modesOf(mutant).length, 0);

/** Runs of the engine as it is serve all mutants of one check. */
const soundProblems = new Map<string, Promise<string | undefined>>();

function soundProblem({ check }: Mutant, { seed, mode }: Trial): Promise<string | undefined> {
  const key = `${check.name}/${mode}/${seed}`;
  const known = soundProblems.get(key) ?? check.run({ seed, mode, switches: 0 });
  soundProblems.set(key, known);
  return known;
}

const records = new Map(MUTANTS.map(({ name }) => [name, newRecord()]));

/** What is wrong: the mutant lives, or the check cries wolf. */
async function examine(mutant: Mutant, trial: Trial): Promise<string | undefined> {
  const record = records.get(mutant.name)!;
  const startedMs = performance.now();
  record.trials++;
  for (let looked = 1; looked <= SEEDS; looked++) {
    const one = { ...trial, seed: trial.seed + looked - 1 };
    const problem = await mutant.check.run(one);
    if (problem === undefined) continue;
    record.elapsedMs += performance.now() - startedMs;
    const sound = await soundProblem(mutant, one);
    if (sound !== undefined) return `without the bug: ${sound}`;
    if (!mutant.expected.test(problem)) return `not what it should be caught by: ${problem}`;
    record.killed++;
    record.seedsMax = Math.max(record.seedsMax, looked);
    record.said = problem;
    return undefined;
  }
  return `it lives: ${mutant.check.name} saw nothing in ${SEEDS} runs`;
}

async function search(run: ProofRun): Promise<void> {
  for (let round = 0; !run.isOver; round++) {
    for (const mutant of MUTANTS) {
      for (const mode of modesOf(mutant)) {
        const seed = run.seed + round * SEEDS;
        const oneCase = `${mutant.name}/${mode}/${seed}`;
        if (run.onlyCase !== undefined && run.onlyCase !== oneCase) continue;
        const { switches, wrap } = mutant;
        const problem = await examine(mutant, { seed, mode, switches, wrap });
        if (problem !== undefined) run.problem(oneCase, problem);
        run.done++;
      }
    }
    if (run.onlyCase !== undefined && round === ROUNDS_LARGE) break;
  }
  process.stdout.write(printTable(TRAPS, records));
  run.figure('mutants', MUTANTS.length);
}

describe('bugs of the original, put back', () => {
  const plan = { name: 'mutants', unit: 'mutants in a mode', small: TRIALS };
  proof({ ...plan, large: TRIALS * ROUNDS_LARGE }, search);
});

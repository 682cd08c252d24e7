/**
 * Fault injection: every call site of the file system × every n-th call × every error, once or from
 * then on, in every mode, through whole lives of a database (`support/fault-matrix/`).
 */
import './support/fault-matrix/without-checks.js';
import { describe } from 'vitest';
import { runFaultCase } from './support/fault-matrix/fault-case.js';
import { caseText, parseCase, sample, wholeMatrix } from './support/fault-matrix/matrix.js';
import type { MatrixCase } from './support/fault-matrix/matrix.js';
import { proof, type ProofRun } from './support/proof.js';

const SMALL = 600;
/** The large size takes the whole matrix, which has more. */
const LARGE = 30_000;

async function look(run: ProofRun, one: MatrixCase): Promise<void> {
  const name = caseText(one);
  const { problems, hits, isPoisoned } = await runFaultCase(
    one.mode,
    one.scenario,
    one.fault,
    run.seed,
  );
  run.done++;
  run.figure('struck', hits > 0 ? 1 : 0);
  run.figure('poisoned', isPoisoned ? 1 : 0);
  if (problems.length > 0) run.problem(name, problems.join('\n  '));
}

describe('faults of the file system', () => {
  proof({ name: 'faults', unit: 'faults', small: SMALL, large: LARGE }, async (run) => {
    if (run.onlyCase !== undefined) {
      await look(run, parseCase(run.onlyCase));
      return;
    }
    const { cases, sites, calls, problems } = await wholeMatrix(run.seed);
    for (const text of problems) run.problem('without a fault', text);
    if (run.isLarge) run.askForAll(cases.length);
    run.figure('callSites', sites);
    run.figure('calls', calls);
    run.figure('matrix', cases.length);
    // Also all of them in this order: whenever the run ends, it has been everywhere.
    for (const one of sample(cases, run.count)) {
      if (run.isOver) break;
      await look(run, one);
    }
    run.figure('share', `${((100 * run.done) / cases.length).toFixed(1)} %`);
  });
});

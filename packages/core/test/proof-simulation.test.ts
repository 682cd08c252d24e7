/**
 * Deterministic simulation: the main thread, the fsync worker and the apply workers in one thread,
 * in an order that a seed decides, on a disk that fails, fills up and loses power. Every seed runs
 * twice and must do the same both times.
 *
 * A run has 1,000 scheduled steps; its plan (`support/simulation/plan.ts`) draws mode, sizes, pace,
 * calls, fault and ending. The database is compared with a model all the time, and once more after
 * every close or crash: nothing acknowledged is lost, what is recovered is a prefix of the commits.
 * Whoever still waits when nobody can move any more hangs: that is a problem, too.
 * `simulation-bugs.test.ts` shows that it can fail.
 */
import { proof } from './support/proof.js';
import { runSeed } from './support/simulation/run-seed.js';

const PLAN = { name: 'simulation', unit: 'seeds', small: 2000, large: 200_000, canShare: true };

proof(PLAN, async (run) => {
  for (let i = run.firstCase; !run.isOver; i += run.shares) {
    const seed = run.onlyCase === undefined ? run.seed + i : Number(run.onlyCase);
    const first = await runSeed(seed);
    for (const [name, value] of first.figures) run.figure(name, value);
    for (const problem of first.problems) run.problem(String(seed), problem);
    const second = await runSeed(seed);
    if (first.hash !== second.hash) {
      run.problem(String(seed), `runs as ${first.hash} and as ${second.hash}`);
    }
    run.done++;
    if (run.onlyCase !== undefined) break;
  }
});

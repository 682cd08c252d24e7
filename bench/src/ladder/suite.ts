/** The suite `ladder`: every rung of the commit modes on the seed's workload, beside lmdb-js. */
import type { Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { planRound } from './plan.js';
import { ladderText, ratiosOf, rowOf, type Measured } from './report.js';
import type { RunMeasures, RunParameters } from './run.js';

const ROUNDS = 5;
const CHILD = new URL('./child.js', import.meta.url);

function say(
  round: number,
  rounds: number,
  parameters: RunParameters,
  measures: RunMeasures,
): void {
  const { engine, mode, durability, batchOps, addedSyncLatencyUs } = parameters;
  const rate = Math.round((measures.commits * batchOps * 1e3) / measures.elapsedMs);
  process.stderr.write(
    `round ${round}/${rounds}  ${engine} ${mode} ${durability}, batches of ${batchOps}, ` +
      `${addedSyncLatencyUs} us added: ${rate.toLocaleString('en-US')} ops/s\n`,
  );
}

export async function ladder(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const rounds = settings.rounds ?? (settings.quick ? 1 : ROUNDS);
  const { available, skipped } = await probeEngines(settings, ['manifold', 'lmdb']);
  const plan = planRound(settings, available);
  const all: (Measured & { rounds: RunMeasures[] })[] = plan.map((parameters) => {
    return { parameters, rounds: [] };
  });
  for (let round = 1; round <= rounds; round++) {
    for (const { parameters, rounds: measured } of all) {
      const { profileDirectory } = settings;
      const measures = await runIsolated<RunParameters, RunMeasures>(CHILD, parameters, {
        profileDirectory,
      });
      measured.push(measures);
      say(round, rounds, parameters, measures);
    }
  }
  const runs = all.map(rowOf);
  const ratios = ratiosOf(all);
  const { openOptions } = settings;
  return { json: { machine, openOptions, skipped, runs, ratios }, text: ladderText(runs, ratios) };
}

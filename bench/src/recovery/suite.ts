/**
 * The suite `recovery`: a process fills the log with so many bytes and is killed; how long does the
 * next open take until reads are served?
 */
import { join } from 'node:path';
import { MODE_DEFAULT, type Mode, type Settings } from '../arguments.js';
import { runIsolated } from '../isolated.js';
import type { KeyOrder } from '../ladder/workload.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Outcome, type Run } from '../rounds.js';
import { withScratch } from '../scratch.js';
import { MIB } from '../sizes.js';
import type { Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { Recovered } from './reopen.js';
import { PUT_LOG_BYTES, type RecoveryParameters } from './run.js';

const LOG_BYTES = [16 * MIB, 128 * MIB];
const QUICK_LOG_BYTES = [MIB];
const BATCH_OPS = 100;
const ORDERS: readonly KeyOrder[] = ['ascending', 'random'];
const CHILD = new URL('./child.js', import.meta.url);
const REOPEN = new URL('./reopen.js', import.meta.url);
const MS_PER_SECOND = 1e3;

type Plan = Omit<RecoveryParameters, 'directory'>;

function recoverOnce(settings: Settings, plan: Plan): Promise<Recovered> {
  return withScratch(settings.directory, async (scratch) => {
    const parameters = { ...plan, directory: join(scratch, 'database') };
    await runIsolated<RecoveryParameters, unknown>(CHILD, parameters, { killWhenAnswered: true });
    const { profileDirectory } = settings;
    const recovered = await runIsolated<RecoveryParameters, Recovered>(REOPEN, parameters, {
      profileDirectory,
    });
    if (recovered.entries !== plan.count) {
      throw new Error(`${recovered.entries} of ${plan.count} records were recovered`);
    }
    return recovered;
  });
}

function outcomeOf({ order, count, batchOps }: Plan, recovered: Recovered): Outcome {
  const { facts, openMs, replayMs, commitsReplayed, bytesReplayed } = recovered;
  // All of them, unless a checkpoint came in between.
  const puts = Math.min(count, commitsReplayed * batchOps);
  return {
    conditions: { order, puts: count, batchOps },
    measures: {
      facts,
      figures: { putsPerSecond: (puts / replayMs) * MS_PER_SECOND, openMs, replayMs },
      notes: { commitsReplayed, bytesReplayed },
    },
  };
}

function runOf(settings: Settings, mode: Mode, order: KeyOrder, count: number): Run {
  const subject: Subject = { engine: 'manifold', mode, durability: 'immediate' };
  const { openOptions } = settings;
  const batchOps = settings.batchOps?.[0] ?? BATCH_OPS;
  const plan: Plan = { mode, order, count, batchOps, openOptions };
  return {
    subject,
    label: labelOf(subject, order, `${count} puts`),
    execute: async () => [outcomeOf(plan, await recoverOnce(settings, plan))],
  };
}

export async function recovery(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const sizes = settings.quick ? QUICK_LOG_BYTES : LOG_BYTES;
  const counts =
    settings.count === undefined
      ? sizes.map((bytes) => Math.ceil(bytes / PUT_LOG_BYTES))
      : [settings.count];
  const modes = settings.modes ?? [MODE_DEFAULT];
  const runs = modes.flatMap((mode) => {
    return counts.flatMap((count) => ORDERS.map((order) => runOf(settings, mode, order, count)));
  });
  const measured = await runRounds(selected(runs, settings.only), roundsOf(settings));
  return reportOf({ settings, machine, skipped: [], measured, comparisons: [] });
}

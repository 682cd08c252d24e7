/**
 * The suite `seed`: the seed's workload with every engine, durable and `async`, as a burst and
 * sustained; and the commit modes against each other, also on keys in random order.
 */
import type { EngineName, Mode, Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { FAMILIES } from '../ladder/run.js';
import type { KeyOrder } from '../ladder/workload.js';
import { describeMachine } from '../machine.js';
import type { Comparison } from '../ratios.js';
import type { Durability, Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Measures, type Run } from '../rounds.js';
import { subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { Phase, SeedParameters } from './run.js';

const CHILD = new URL('./child.js', import.meta.url);
const BATCH_OPS = 1000;
const BATCHES = 50;
const QUICK_BATCHES = 2;
const SUSTAINED_FACTOR = 10;
const MODES: readonly Mode[] = ['buffered', 'pipelined'];
const PHASES: readonly Phase[] = ['burst', 'sustained'];
const DURABILITIES: readonly Durability[] = ['immediate', 'async'];

interface Planned {
  readonly subject: Subject;
  readonly phase: Phase;
  readonly order: KeyOrder;
}

/** Beside the peers the first mode stands for the engine. */
function planOf(settings: Settings, available: readonly EngineName[]): Planned[] {
  const [first, ...others] = settings.modes ?? MODES;
  const ours = available.filter((engine) => engine === 'manifold');
  const among = (engines: readonly EngineName[], durability: Durability, modes: readonly Mode[]) =>
    subjectsOf({ ...settings, modes }, engines, durability);
  const beside = DURABILITIES.flatMap((durability) => {
    return PHASES.flatMap((phase) => {
      const subjects = among(available, durability, [first!]);
      return subjects.map((subject): Planned => ({ subject, phase, order: 'ascending' }));
    });
  });
  const modes = [
    ...among(ours, 'immediate', others).map((subject): Planned => {
      return { subject, phase: 'burst', order: 'ascending' };
    }),
    ...among(ours, 'immediate', [first!, ...others]).map((subject): Planned => {
      return { subject, phase: 'burst', order: 'random' };
    }),
  ];
  return [...modes, ...beside];
}

function runOf(planned: Planned, settings: Settings): Run {
  const { subject, phase, order } = planned;
  const { openOptions, directory, profileDirectory } = settings;
  const batches = settings.count ?? (settings.quick ? QUICK_BATCHES : BATCHES);
  const batchOps = settings.batchOps?.[0] ?? BATCH_OPS;
  const parameters: SeedParameters = {
    ...planned,
    ...subject,
    batchOps,
    batchesPerFamily: phase === 'sustained' ? batches * SUSTAINED_FACTOR : batches,
    leadInBatchesPerFamily: batches,
    openOptions,
    directory,
  };
  const conditions = {
    workload: `seed, ${order} keys`,
    phase,
    batchOps,
    batchesPerFamily: parameters.batchesPerFamily,
    leadInBatches: batches,
    inFlight: FAMILIES,
  };
  return {
    subject,
    label: labelOf(subject, conditions.workload, phase),
    execute: async () => {
      const measures = await runIsolated<SeedParameters, Measures>(CHILD, parameters, {
        profileDirectory,
      });
      return [{ conditions, measures }];
    },
  };
}

export function seedComparisons(modes: readonly Mode[]): Comparison[] {
  const [first, ...others] = modes;
  const peers = ['lmdb', 'classic-level', 'rocksdb', 'better-sqlite3'];
  return [...others, ...peers].map((below) => {
    return { above: first!, below, figure: 'opsPerSecond' };
  });
}

export async function seed(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const plan = planOf(settings, available);
  const runs = selected(
    plan.map((planned) => runOf(planned, settings)),
    settings.only,
  );
  const measured = await runRounds(runs, roundsOf(settings));
  const comparisons = seedComparisons(settings.modes ?? MODES);
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

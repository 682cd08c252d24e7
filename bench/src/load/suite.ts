/**
 * The suite `load`: random keys in durable batches, every engine with memory for all of it, the
 * clock running until everything is in its final place.
 */
import type { Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { LOAD_BATCH_OPS, LOAD_IN_FLIGHT } from '../loading.js';
import { describeMachine } from '../machine.js';
import { leadsOverPeers } from '../ratios.js';
import type { Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Measures, type Run } from '../rounds.js';
import { ALL_IN_MEMORY_BYTES } from '../sizes.js';
import { subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { LoadParameters } from './child.js';

const CHILD = new URL('./child.js', import.meta.url);
const COUNT = 1_000_000;
const QUICK_COUNT = 5_000;

function runOf(subject: Subject, settings: Settings): Run {
  const { openOptions, directory, profileDirectory, quick } = settings;
  const count = settings.count ?? (quick ? QUICK_COUNT : COUNT);
  const cacheBytes = ALL_IN_MEMORY_BYTES;
  const parameters: LoadParameters = { ...subject, count, cacheBytes, openOptions, directory };
  const conditions = {
    workload: 'random keys',
    entries: count,
    batchOps: LOAD_BATCH_OPS,
    inFlight: LOAD_IN_FLIGHT,
  };
  return {
    subject,
    label: labelOf(subject, conditions.workload),
    execute: async () => {
      const measures = await runIsolated<LoadParameters, Measures>(CHILD, parameters, {
        profileDirectory,
      });
      return [{ conditions, measures }];
    },
  };
}

export async function load(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const subjects = subjectsOf(settings, available, 'immediate');
  const runs = subjects.map((subject) => runOf(subject, settings));
  const measured = await runRounds(selected(runs, settings.only), roundsOf(settings));
  const comparisons = leadsOverPeers(subjects, 'entriesPerSecond');
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

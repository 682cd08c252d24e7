/**
 * The suite `open`: how long after an orderly close it takes to open and to read the first record,
 * with the files in the system's cache (warm) and without (cold). Loading modules is no part of it.
 */
import { join } from 'node:path';
import { MODE_DEFAULT, type Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Comparison } from '../ratios.js';
import type { Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Measures, type Run } from '../rounds.js';
import { withScratch } from '../scratch.js';
import { nameOf, subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { OpenParameters } from './child.js';
import { dropFromCache } from './system-cache.js';

const CHILD = new URL('./child.js', import.meta.url);
const COUNT = 200_000;
const QUICK_COUNT = 2_000;
/** The first opening still meets what the preparation left to be written. */
const WARM_UP_ROUNDS = 1;
const PHASES = ['warm', 'cold'] as const;

interface Prepared {
  readonly subject: Subject;
  readonly parameters: OpenParameters;
}

async function prepareAll(
  settings: Settings,
  subjects: readonly Subject[],
  base: string,
  count: number,
): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const subject of subjects) {
    const { openOptions } = settings;
    const directory = join(base, nameOf(subject));
    const parameters = { ...subject, count, openOptions, directory, isPreparation: false };
    await runIsolated(CHILD, { ...parameters, isPreparation: true }, {});
    prepared.push({ subject, parameters });
  }
  return prepared;
}

function runsOf({ subject, parameters }: Prepared, settings: Settings): Run[] {
  const { profileDirectory } = settings;
  return PHASES.map((phase) => ({
    subject,
    label: labelOf(subject, phase),
    execute: async () => {
      if (phase === 'cold') dropFromCache(parameters.directory);
      const measures = await runIsolated<OpenParameters, Measures>(CHILD, parameters, {
        profileDirectory,
      });
      return [{ conditions: { phase, entries: parameters.count }, measures }];
    },
  }));
}

export async function open(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const subjects = subjectsOf(settings, available, 'immediate', [MODE_DEFAULT]);
  const count = settings.count ?? (settings.quick ? QUICK_COUNT : COUNT);
  const measured = await withScratch(settings.directory, async (base) => {
    const prepared = await prepareAll(settings, subjects, base, count);
    const runs = prepared.flatMap((one) => runsOf(one, settings));
    return runRounds(selected(runs, settings.only), roundsOf(settings), WARM_UP_ROUNDS);
  });
  const comparisons: Comparison[] = [];
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

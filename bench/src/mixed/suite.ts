/**
 * The suite `mixed`: YCSB A to F on records in memory, durable writes, sixteen clients. Engines
 * take turns at each workload; what they insert stays, in all of them.
 */
import { MODE_DEFAULT, type Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { withLoadedSessions, type LoadedSession } from '../loaded-sessions.js';
import { describeMachine } from '../machine.js';
import { leadsOverPeers } from '../ratios.js';
import type { Report } from '../report.js';
import {
  labelOf,
  roundsOf,
  runRounds,
  selected,
  type Measured,
  type Measures,
  type Run,
} from '../rounds.js';
import { subjectsOf } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { MixedCommand } from './child.js';
import { YCSB_NAMES } from './workloads.js';

const CHILD = new URL('./child.js', import.meta.url);
const COUNT = 1_000_000;
const QUICK_COUNT = 5_000;
const DURATION_MS = 1000;
const QUICK_DURATION_MS = 30;
const CLIENTS = 16;
const WARM_UP_ROUNDS = 1;

function runsOf(
  opened: readonly LoadedSession<MixedCommand, Measures>[],
  settings: Settings,
  entries: number,
): Run[] {
  const durationMs = settings.durationMs ?? (settings.quick ? QUICK_DURATION_MS : DURATION_MS);
  return YCSB_NAMES.flatMap((workload) => {
    return opened.map(({ subject, session }): Run => {
      const conditions = { workload, entries, clients: CLIENTS };
      return {
        subject,
        label: labelOf(subject, `YCSB ${workload}`),
        execute: async () => {
          const measures = await session.call({ workload, clients: CLIENTS, durationMs });
          return [{ conditions, measures }];
        },
      };
    });
  });
}

export async function mixed(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const subjects = subjectsOf(settings, available, 'immediate', [MODE_DEFAULT]);
  const count = settings.count ?? (settings.quick ? QUICK_COUNT : COUNT);
  const measured = await withLoadedSessions<MixedCommand, Measures, Measured[]>(
    settings,
    CHILD,
    subjects,
    count,
    (opened) => {
      const runs = selected(runsOf(opened, settings, count), settings.only);
      return runRounds(runs, roundsOf(settings), WARM_UP_ROUNDS);
    },
  );
  const comparisons = leadsOverPeers(subjects, 'opsPerSecond');
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

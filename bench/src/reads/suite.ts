/**
 * The suites `read` and `scan`: every engine in a process of its own with the same records in
 * memory; the cases are run in turns. The sums of what they have read must agree.
 */
import { MODE_DEFAULT, type Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { withLoadedSessions, type LoadedSession } from '../loaded-sessions.js';
import { describeMachine } from '../machine.js';
import { leadsOverPeers, type Comparison } from '../ratios.js';
import type { Report } from '../report.js';
import {
  labelOf,
  roundsOf,
  runRounds,
  selected,
  type Measured,
  type Outcome,
  type Run,
} from '../rounds.js';
import { nameOf, subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import { READ_WORKLOADS, SCAN_WORKLOADS, type Workload } from './cases.js';
import type { ReadCommand, ReadMeasures } from './child.js';

const CHILD = new URL('./child.js', import.meta.url);
const COUNT = 1_000_000;
const QUICK_COUNT = 5_000;
const WARM_UP_ROUNDS = 1;
const FIGURE = 'opsPerSecond';
const HALF_FULL = 'buffers half full';

type Opened = LoadedSession<ReadCommand, ReadMeasures | undefined>;

/** Throws when an engine read something else than the first one did. */
class Sums {
  readonly #byWorkload = new Map<string, number>();

  check(workload: string, label: string, sum: number): void {
    const known = this.#byWorkload.get(workload);
    if (known === undefined) this.#byWorkload.set(workload, sum);
    else if (known !== sum) throw new Error(`${label}: other bytes were read than by the others`);
  }
}

function kindOf(method: string, isHalfFull: boolean): string | undefined {
  const parts = [method, isHalfFull ? HALF_FULL : ''].filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join(', ');
}

function outcomesOf(
  command: ReadCommand,
  count: number,
  measures: ReadMeasures | undefined,
): Outcome[] {
  if (measures === undefined) return [];
  const { facts, method, opsPerSecond, units, bufferStart, bufferEnd } = measures;
  const states = { writeBufferStart: bufferStart, writeBufferEnd: bufferEnd };
  return [
    {
      conditions: { workload: command.workload, entries: count },
      kind: kindOf(method, command.isHalfFull),
      measures: {
        facts,
        figures: { [FIGURE]: opsPerSecond },
        notes: { units, ...(command.isHalfFull ? states : {}) },
      },
    },
  ];
}

/** Ways that an engine does not have give no row. */
function commandsFor(subject: Subject, workload: Workload): ReadCommand[] {
  const usual: ReadCommand = { workload, way: 'usual', isHalfFull: false };
  const isGet = workload.startsWith('get, ');
  const commands = [usual];
  if (isGet && subject.engine === 'lmdb') commands.push({ ...usual, way: 'fast' });
  const isPointRead = (READ_WORKLOADS as readonly string[]).includes(workload);
  if (isPointRead && subject.mode === 'buffered') commands.push({ ...usual, isHalfFull: true });
  return commands;
}

function runsOf(opened: readonly Opened[], workloads: readonly Workload[], count: number): Run[] {
  const sums = new Sums();
  return workloads.flatMap((workload) => {
    return opened.flatMap(({ subject, session }) => {
      return commandsFor(subject, workload).map((command): Run => {
        const { way, isHalfFull } = command;
        const extras = [way === 'fast' ? 'fast' : '', isHalfFull ? HALF_FULL : ''];
        const label = labelOf(subject, workload, ...extras.filter((part) => part !== ''));
        const execute = async (): Promise<Outcome[]> => {
          const measures = await session.call(command);
          if (measures !== undefined) sums.check(workload, label, measures.sum);
          return outcomesOf(command, count, measures);
        };
        return { subject, label, execute };
      });
    });
  });
}

async function measureSuite(
  settings: Settings,
  workloads: readonly Workload[],
  comparisonsOf: (subjects: readonly Subject[]) => Comparison[],
): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const subjects = subjectsOf(settings, available, 'immediate', [MODE_DEFAULT]);
  const count = settings.count ?? (settings.quick ? QUICK_COUNT : COUNT);
  const measured = await withLoadedSessions<ReadCommand, ReadMeasures | undefined, Measured[]>(
    settings,
    CHILD,
    subjects,
    count,
    (opened) => {
      const runs = selected(runsOf(opened, workloads, count), settings.only);
      return runRounds(runs, roundsOf(settings), WARM_UP_ROUNDS);
    },
  );
  const comparisons = comparisonsOf(subjects);
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

const PEER_GETS = [
  'lmdb get',
  'lmdb getBinaryFast',
  'classic-level getSync',
  'rocksdb get',
  'better-sqlite3 get',
];

function readComparisons(subjects: readonly Subject[]): Comparison[] {
  const ours = subjects.filter(({ engine }) => engine === 'manifold').map(nameOf);
  return ours.flatMap((our) => {
    const gets = [`${our} get`, `${our} get, ${HALF_FULL}`].flatMap((above) => {
      return PEER_GETS.map((below): Comparison => ({ above, below, figure: FIGURE }));
    });
    return [...gets, { above: `${our} get, ${HALF_FULL}`, below: `${our} get`, figure: FIGURE }];
  });
}

export function read(settings: Settings): Promise<Report> {
  return measureSuite(settings, READ_WORKLOADS, (subjects) => [
    ...readComparisons(subjects),
    // Those without a kind: getMany is the same method in all of them.
    ...leadsOverPeers(subjects, FIGURE),
  ]);
}

export function scan(settings: Settings): Promise<Report> {
  return measureSuite(settings, SCAN_WORKLOADS, (subjects) => leadsOverPeers(subjects, FIGURE));
}

/**
 * The suite `commits`: what single durable puts cost, one at a time beside a bare write and
 * `fdatasync`, and how many a second there are when many are under way.
 */
import type { EngineName, Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Comparison } from '../ratios.js';
import type { Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Outcome, type Run } from '../rounds.js';
import { nameOf, subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import { LOG_BYTES, type CommitKind, type CommitsMeasures, type CommitsParameters } from './run.js';

const CHILD = new URL('./child.js', import.meta.url);
const DEPTHS = [1, 16, 256, 4096];
const DURATION_MS = 2000;
const QUICK_DURATION_MS = 60;

/** better-sqlite3 is synchronous throughout: more than one put cannot be under way. */
const KINDS: Readonly<Record<EngineName, readonly CommitKind[]>> = {
  manifold: ['bare', 'put', 'writeSync'],
  lmdb: ['bare', 'put'],
  'classic-level': ['bare', 'put'],
  rocksdb: ['bare', 'put'],
  'better-sqlite3': ['bare', 'writeSync'],
};

function outcomesOf(depth: number, { facts, byKind }: CommitsMeasures): Outcome[] {
  const { bare } = byKind;
  return (Object.keys(byKind) as CommitKind[]).map((kind) => {
    const figures = byKind[kind]!;
    const besideBare = bare && kind !== 'bare';
    return {
      kind,
      conditions: { depth },
      measures: {
        facts,
        figures: {
          ...figures,
          ...(besideBare && {
            bareP50Us: bare.p50Us,
            p50AboveBareUs: figures.p50Us - bare.p50Us,
          }),
        },
        notes: { logBytes: LOG_BYTES },
      },
    };
  });
}

function runOf(subject: Subject, depth: number, settings: Settings): Run {
  const { openOptions, directory, profileDirectory, quick } = settings;
  const parameters: CommitsParameters = {
    ...subject,
    depth,
    kinds: KINDS[subject.engine],
    durationMs: settings.durationMs ?? (quick ? QUICK_DURATION_MS : DURATION_MS),
    openOptions,
    directory,
  };
  return {
    subject,
    label: labelOf(subject, `depth ${depth}`),
    execute: async () => {
      const measures = await runIsolated<CommitsParameters, CommitsMeasures>(CHILD, parameters, {
        profileDirectory,
      });
      return outcomesOf(depth, measures);
    },
  };
}

export function commitsComparisons(ours: string): Comparison[] {
  const above = `${ours} put`;
  return [
    ...DEPTHS.flatMap((depth) => {
      return ['lmdb put', 'classic-level put', 'rocksdb put'].map((below): Comparison => {
        return { above, below, figure: 'commitsPerSecond', when: { depth } };
      });
    }),
    {
      above: `${ours} writeSync`,
      below: 'better-sqlite3 writeSync',
      figure: 'p50Us',
      isTime: true,
    },
    { above, below: 'better-sqlite3 writeSync', figure: 'commitsPerSecond', when: { depth: 1 } },
  ];
}

export async function commits(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const subjects = subjectsOf(settings, available, 'immediate');
  const runs = DEPTHS.flatMap((depth) => {
    return subjects
      .filter(({ engine }) => depth === 1 || KINDS[engine].includes('put'))
      .map((subject) => runOf(subject, depth, settings));
  });
  const measured = await runRounds(selected(runs, settings.only), roundsOf(settings));
  const ours = [...new Set(subjects.filter(({ engine }) => engine === 'manifold').map(nameOf))];
  const comparisons = ours.flatMap(commitsComparisons);
  return reportOf({ settings, machine, skipped, measured, comparisons });
}

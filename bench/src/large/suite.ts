/**
 * The suite `large`: ten million random entries, once with memory for all of them beside the peers,
 * and once, Manifold alone, with a cache of a tenth of the data. Takes long.
 */
import { MODE_DEFAULT, type Settings } from '../arguments.js';
import { probeEngines } from '../engines/probe.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import { leadsOverPeers, type Comparison } from '../ratios.js';
import { Records } from '../records.js';
import type { Report } from '../report.js';
import { labelOf, roundsOf, runRounds, selected, type Run } from '../rounds.js';
import { BUFFER_BYTES, MIB } from '../sizes.js';
import { subjectsOf, type Subject } from '../subject.js';
import { reportOf } from '../suite-report.js';
import type { LargeMeasures, LargeParameters } from './run.js';

const CHILD = new URL('./child.js', import.meta.url);
const COUNT = 10_000_000;
const QUICK_COUNT = 20_000;
const READS = 200_000;
/** Pages that were filled in random order are not full, and the tree has branches. */
const MEMORY_PER_DATA = 2.5;
const CACHE_SHARE = 0.1;
const CACHE_BYTES_MIN = 2 * MIB;

interface Setting {
  readonly workload: string;
  readonly cacheBytes: number;
  readonly bufferBytes: number;
}

function settingsFor(count: number): { inMemory: Setting; tenth: Setting } {
  const dataBytes = new Records(count).bytes;
  const share = (part: number) => Math.max(CACHE_BYTES_MIN, Math.round(dataBytes * part));
  return {
    inMemory: {
      workload: 'memory for all of it',
      cacheBytes: share(MEMORY_PER_DATA),
      bufferBytes: BUFFER_BYTES,
    },
    tenth: {
      workload: 'a cache of a tenth',
      cacheBytes: share(CACHE_SHARE),
      bufferBytes: BUFFER_BYTES,
    },
  };
}

function runOf(subject: Subject, setting: Setting, count: number, settings: Settings): Run {
  const { openOptions, directory, profileDirectory } = settings;
  const { workload, cacheBytes, bufferBytes } = setting;
  const parameters: LargeParameters = {
    ...subject,
    count,
    cacheBytes,
    bufferBytes,
    reads: Math.min(READS, count),
    openOptions,
    directory,
  };
  const conditions = { workload, entries: count };
  return {
    subject,
    label: labelOf(subject, workload),
    execute: async () => {
      const { load, get } = await runIsolated<LargeParameters, LargeMeasures>(CHILD, parameters, {
        profileDirectory,
      });
      return [
        { conditions: { ...conditions, phase: 'load' }, measures: load },
        { conditions: { ...conditions, phase: 'get' }, measures: get },
      ];
    },
  };
}

function comparisonsOf(subjects: readonly Subject[]): Comparison[] {
  return [
    ...leadsOverPeers(subjects, 'entriesPerSecond').map((one) => {
      return { ...one, when: { phase: 'load' } };
    }),
    ...leadsOverPeers(subjects, 'opsPerSecond').map((one) => {
      return { ...one, when: { phase: 'get' } };
    }),
  ];
}

export async function large(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const { available, skipped } = await probeEngines(settings);
  const count = settings.count ?? (settings.quick ? QUICK_COUNT : COUNT);
  const subjects = subjectsOf(settings, available, 'immediate', [MODE_DEFAULT]);
  const { inMemory, tenth } = settingsFor(count);
  const ours = subjects.filter(({ engine }) => engine === 'manifold');
  const runs = [
    ...subjects.map((subject) => runOf(subject, inMemory, count, settings)),
    ...ours.map((subject) => runOf(subject, tenth, count, settings)),
  ];
  const measured = await runRounds(selected(runs, settings.only), roundsOf(settings));
  return reportOf({
    settings,
    machine,
    skipped,
    measured,
    comparisons: comparisonsOf(subjects),
  });
}

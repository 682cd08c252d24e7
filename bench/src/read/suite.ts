/**
 * The suite `read`: point reads, ranges and scans of a database that is all in memory, Manifold and
 * lmdb-js in turn in one process. Their sums are compared: both must have read the same.
 */
import { join } from 'node:path';
import type { EngineName, Settings } from '../arguments.js';
import { rounded, spreadOf } from '../figures.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { withScratch } from '../scratch.js';
import { formatTable } from '../table.js';
import { Records } from './data.js';
import { openLmdbReads } from './lmdb-reads.js';
import { openManifoldReads } from './manifold-reads.js';
import type { ReadEngine } from './reads.js';

const ROUNDS = 5;
const WARM_UP_ROUNDS = 1;
const COUNT = 1_000_000;
const QUICK_COUNT = 20_000;
const POINT_READS = 250_000;
const GET_MANY_SIZE = 100;
const RANGES = 5_000;
const RANGE_LIMIT = 100;
const MS_PER_SECOND = 1e3;

interface Case {
  readonly name: string;
  /** Keys looked for, or entries seen. */
  readonly units: number;
  readonly run: (engine: ReadEngine) => number | Promise<number>;
}

interface Engines {
  readonly manifold: ReadEngine;
  readonly lmdb: ReadEngine;
}

interface Timed {
  readonly perSecond: number;
  readonly sum: number;
}

function casesFor(records: Records): Case[] {
  const hits = records.sample(POINT_READS, 1, true);
  const misses = records.sample(POINT_READS, 2, false);
  const starts = records.sample(RANGES, 3, true);
  // Ranges near the end are cut short by it.
  const rangeUnits = Math.min(RANGE_LIMIT, records.count) * starts.length;
  const { count } = records;
  return [
    { name: 'get, hit', units: hits.length, run: (engine) => engine.get(hits) },
    {
      name: 'get, hit, lmdb getBinaryFast',
      units: hits.length,
      run: (engine) => (engine.getFast ?? engine.get)(hits),
    },
    { name: 'get, miss', units: misses.length, run: (engine) => engine.get(misses) },
    {
      name: `getMany of ${GET_MANY_SIZE}`,
      units: hits.length,
      run: (engine) => engine.getMany(hits, GET_MANY_SIZE),
    },
    { name: 'full scan', units: count, run: (engine) => engine.scan(false) },
    { name: 'full scan in reverse', units: count, run: (engine) => engine.scan(true) },
    {
      name: `ranges of ${RANGE_LIMIT}`,
      units: rangeUnits,
      run: (engine) => engine.ranges(starts, RANGE_LIMIT),
    },
  ];
}

async function time({ units, run }: Case, engine: ReadEngine): Promise<Timed> {
  const started = performance.now();
  const sum = await run(engine);
  return { perSecond: (units * MS_PER_SECOND) / (performance.now() - started), sum };
}

type Rates = Map<Case, Record<EngineName, number[]>>;

async function measureRounds(cases: readonly Case[], engines: Engines, rounds: number) {
  const rates: Rates = new Map(cases.map((one) => [one, { manifold: [], lmdb: [] }]));
  for (let round = 1 - WARM_UP_ROUNDS; round <= rounds; round++) {
    for (const one of cases) {
      const manifold = await time(one, engines.manifold);
      const lmdb = await time(one, engines.lmdb);
      if (manifold.sum !== lmdb.sum) {
        throw new Error(`${one.name}: the engines read different bytes`);
      }
      if (round < 1) continue;
      rates.get(one)!.manifold.push(manifold.perSecond);
      rates.get(one)!.lmdb.push(lmdb.perSecond);
    }
    process.stderr.write(round < 1 ? 'warm-up done\n' : `round ${round}/${rounds}\n`);
  }
  return rates;
}

async function measureAll(settings: Settings): Promise<Rates> {
  const records = new Records(settings.count ?? (settings.quick ? QUICK_COUNT : COUNT));
  const rounds = settings.rounds ?? (settings.quick ? 1 : ROUNDS);
  return withScratch(settings.directory, async (directory) => {
    process.stderr.write(`loading ${records.count.toLocaleString('en-US')} records twice\n`);
    const lmdb = openLmdbReads(join(directory, 'lmdb'), records);
    const manifold = await openManifoldReads(
      join(directory, 'manifold'),
      records,
      settings.openOptions,
    );
    const rates = await measureRounds(casesFor(records), { manifold, lmdb }, rounds);
    await manifold.close();
    await lmdb.close();
    return rates;
  });
}

export async function read(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const rates = await measureAll(settings);
  const runs = [...rates].map(([one, { manifold, lmdb }]) => {
    const ratios = spreadOf(manifold.map((rate, round) => rate / lmdb[round]!));
    const ours = spreadOf(manifold);
    const theirs = spreadOf(lmdb);
    return {
      workload: one.name,
      units: one.units,
      rounds: manifold.length,
      manifoldPerSecond: ours.median,
      manifoldPerSecondRounds: ours,
      lmdbPerSecond: theirs.median,
      lmdbPerSecondRounds: theirs,
      ratio: rounded(ours.median / theirs.median),
      ratioRounds: ratios,
    };
  });
  const text = formatTable(
    [
      ['read', (run) => run.workload],
      ['manifold /s', (run) => run.manifoldPerSecond],
      ['min', (run) => run.manifoldPerSecondRounds.min],
      ['max', (run) => run.manifoldPerSecondRounds.max],
      ['lmdb-js /s', (run) => run.lmdbPerSecond],
      ['min', (run) => run.lmdbPerSecondRounds.min],
      ['max', (run) => run.lmdbPerSecondRounds.max],
      ['ratio', (run) => run.ratio],
      ['min', (run) => run.ratioRounds.min],
      ['max', (run) => run.ratioRounds.max],
    ],
    runs,
  );
  return { json: { machine, runs }, text };
}

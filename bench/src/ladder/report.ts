/** From the measures of all rounds to the rows, ratios and tables of the report. */
import type { EngineName, Mode } from '../arguments.js';
import { rounded, spreadOf, type Spread } from '../figures.js';
import { formatTable, type Column } from '../table.js';
import { idealRate } from './ideal.js';
import type { Durability, EngineFacts } from '../report.js';
import { FAMILIES, type RunMeasures, type RunParameters } from './run.js';

const WORKLOAD = 'seed';
const MS_PER_SECOND = 1e3;
const US_PER_MS = 1e3;

/** One row: the round whose throughput is the median, and how far the rounds differ. */
export interface LadderRow extends EngineFacts {
  readonly engine: EngineName;
  readonly workload: string;
  readonly mode: Mode | 'default';
  readonly durability: Durability;
  readonly addedSyncLatencyUs: number;
  readonly batchOps: number;
  readonly inFlight: number;
  readonly batchesPerFamily: number;
  readonly rounds: number;
  readonly opsPerSecond: number;
  readonly opsPerSecondMin: number;
  readonly opsPerSecondMax: number;
  readonly commitsPerSecond: number;
  readonly syncs: number | null;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  readonly buildUs: number | null;
  readonly appendUs: number | null;
  readonly writeUs: number | null;
  readonly syncUs: number | null;
  readonly applyUs: number | null;
  readonly commitsPerGroup: number | null;
  readonly checkpoints: number | null;
  readonly idealOpsPerSecond: number | null;
  readonly efficiency: number | null;
  readonly efficiencyMin: number | null;
  readonly efficiencyMax: number | null;
  /** Processor time of the main thread per commit, workload included. */
  readonly mainCpuUs: number | null;
  /** Share of the run in which the main thread was ready, but others had the processors. */
  readonly mainWaitedShare: number | null;
  readonly peakRssBytes: number;
  readonly eventLoopDelayP99Ms: number;
  readonly eventLoopDelayMaxMs: number;
  /** Worst of all rounds. */
  readonly eventLoopDelayP99MsWorst: number;
  readonly eventLoopDelayMaxMsWorst: number;
}

export interface LadderRatio {
  readonly what: string;
  readonly batchOps: number;
  readonly addedSyncLatencyUs: number;
  /** Of the medians. */
  readonly ratio: number;
  /** Round by round. */
  readonly rounds: Spread;
}

/** A row of the plan and what each round measured, in the order of the rounds. */
export interface Measured {
  readonly parameters: RunParameters;
  readonly rounds: readonly RunMeasures[];
}

function opsPerSecond({ parameters }: Measured, round: RunMeasures): number {
  return (round.commits * parameters.batchOps * MS_PER_SECOND) / round.elapsedMs;
}

function idealOpsPerSecond({ parameters }: Measured, { costs }: RunMeasures): number | null {
  const { mode, batchOps } = parameters;
  if (costs === undefined || mode === 'default') return null;
  return idealRate(mode, costs, FAMILIES) * batchOps;
}

function efficiencies(measured: Measured): number[] {
  return measured.rounds.flatMap((round) => {
    const ideal = idealOpsPerSecond(measured, round);
    return ideal === null ? [] : [opsPerSecond(measured, round) / ideal];
  });
}

function orNull(value: number | undefined): number | null {
  return value === undefined ? null : rounded(value);
}

export function rowOf(measured: Measured): LadderRow {
  const { parameters, rounds } = measured;
  const rates = rounds.map((round) => opsPerSecond(measured, round));
  const byRate = rounds.toSorted((a, b) => opsPerSecond(measured, a) - opsPerSecond(measured, b));
  const middle = byRate[Math.ceil(byRate.length / 2) - 1]!;
  const { costs } = middle;
  const reached = opsPerSecond(measured, middle);
  const ideal = idealOpsPerSecond(measured, middle);
  const shares = efficiencies(measured);
  const worst = (pick: (round: RunMeasures) => number) => rounded(Math.max(...rounds.map(pick)));
  return {
    engine: parameters.engine,
    workload: WORKLOAD,
    mode: parameters.mode,
    durability: parameters.durability,
    ...middle.facts,
    addedSyncLatencyUs: parameters.addedSyncLatencyUs,
    batchOps: parameters.batchOps,
    inFlight: FAMILIES,
    batchesPerFamily: parameters.batchesPerFamily,
    rounds: rounds.length,
    opsPerSecond: rounded(reached),
    opsPerSecondMin: rounded(Math.min(...rates)),
    opsPerSecondMax: rounded(Math.max(...rates)),
    commitsPerSecond: rounded(reached / parameters.batchOps),
    syncs: orNull(costs?.syncs),
    p50Us: rounded(middle.p50Us),
    p99Us: rounded(middle.p99Us),
    p999Us: rounded(middle.p999Us),
    maxUs: rounded(middle.maxUs),
    buildUs: orNull(costs?.buildUs),
    appendUs: orNull(costs?.appendUs),
    writeUs: orNull(costs?.writeUs),
    syncUs: orNull(costs?.syncUs),
    applyUs: orNull(costs?.applyUs),
    commitsPerGroup: orNull(costs?.commitsPerGroup),
    checkpoints: orNull(costs?.checkpoints),
    idealOpsPerSecond: ideal === null ? null : rounded(ideal),
    efficiency: ideal === null ? null : rounded(reached / ideal),
    efficiencyMin: shares.length === 0 ? null : rounded(Math.min(...shares)),
    efficiencyMax: shares.length === 0 ? null : rounded(Math.max(...shares)),
    mainCpuUs: orNull(middle.mainRanMs && (middle.mainRanMs * US_PER_MS) / middle.commits),
    mainWaitedShare: orNull(middle.mainWaitedMs && middle.mainWaitedMs / middle.elapsedMs),
    peakRssBytes: middle.peakRssBytes,
    eventLoopDelayP99Ms: rounded(middle.eventLoopDelayP99Ms),
    eventLoopDelayMaxMs: rounded(middle.eventLoopDelayMaxMs),
    eventLoopDelayP99MsWorst: worst((round) => round.eventLoopDelayP99Ms),
    eventLoopDelayMaxMsWorst: worst((round) => round.eventLoopDelayMaxMs),
  };
}

function nameOf({ engine, mode, durability }: RunParameters): string {
  if (engine === 'manifold') return mode;
  return durability === 'immediate' ? 'lmdb' : `lmdb-${durability}`;
}

/** Each pair of rows with the same batches and the same disk that is worth comparing. */
const COMPARISONS = [
  ['async-wal', 'sequential'],
  ['pipelined', 'sequential'],
  ['buffered', 'sequential'],
  ['buffered', 'pipelined'],
  ['pipelined', 'lmdb'],
  ['pipelined', 'lmdb-committed'],
  ['buffered', 'lmdb'],
  ['buffered', 'lmdb-committed'],
] as const;

export function ratiosOf(all: readonly Measured[]): LadderRatio[] {
  const ratios: LadderRatio[] = [];
  for (const [above, below] of COMPARISONS) {
    for (const numerator of all.filter(({ parameters }) => nameOf(parameters) === above)) {
      const { batchOps, addedSyncLatencyUs } = numerator.parameters;
      const denominator = all.find(
        ({ parameters }) =>
          nameOf(parameters) === below &&
          parameters.batchOps === batchOps &&
          parameters.addedSyncLatencyUs === addedSyncLatencyUs,
      );
      if (denominator === undefined) continue;
      const perRound = numerator.rounds.map((round, index) => {
        return (
          opsPerSecond(numerator, round) / opsPerSecond(denominator, denominator.rounds[index]!)
        );
      });
      const ratio = rowOf(numerator).opsPerSecond / rowOf(denominator).opsPerSecond;
      ratios.push({
        what: `${above} / ${below}`,
        batchOps,
        addedSyncLatencyUs,
        ratio: rounded(ratio),
        rounds: spreadOf(perRound),
      });
    }
  }
  return ratios;
}

const BYTES_PER_MIB = 2 ** 20;

const ROW_COLUMNS: readonly Column<LadderRow>[] = [
  ['engine', (row) => row.engine],
  ['mode', (row) => row.mode],
  ['durability', (row) => row.durability],
  ['batch', (row) => row.batchOps],
  ['added us', (row) => row.addedSyncLatencyUs],
  ['ops/s', (row) => row.opsPerSecond],
  ['min', (row) => row.opsPerSecondMin],
  ['max', (row) => row.opsPerSecondMax],
  ['syncs', (row) => row.syncs],
  ['p50 us', (row) => row.p50Us],
  ['p99 us', (row) => row.p99Us],
  ['build us', (row) => row.buildUs],
  ['append us', (row) => row.appendUs],
  ['write us', (row) => row.writeUs],
  ['sync us', (row) => row.syncUs],
  ['apply us', (row) => row.applyUs],
  ['group', (row) => row.commitsPerGroup],
  ['ideal ops/s', (row) => row.idealOpsPerSecond],
  ['efficiency', (row) => row.efficiency],
  ['main cpu us', (row) => row.mainCpuUs],
  ['main waited', (row) => row.mainWaitedShare],
  ['RSS MiB', (row) => row.peakRssBytes / BYTES_PER_MIB],
  ['loop p99 ms', (row) => row.eventLoopDelayP99MsWorst],
  ['loop max ms', (row) => row.eventLoopDelayMaxMsWorst],
];

const RATIO_COLUMNS: readonly Column<LadderRatio>[] = [
  ['ratio', (ratio) => ratio.what],
  ['batch', (ratio) => ratio.batchOps],
  ['added us', (ratio) => ratio.addedSyncLatencyUs],
  ['of medians', (ratio) => ratio.ratio],
  ['min', (ratio) => ratio.rounds.min],
  ['max', (ratio) => ratio.rounds.max],
];

export function ladderText(rows: readonly LadderRow[], ratios: readonly LadderRatio[]): string {
  const table = formatTable(ROW_COLUMNS, rows);
  return ratios.length === 0 ? table : `${table}\n${formatTable(RATIO_COLUMNS, ratios)}`;
}

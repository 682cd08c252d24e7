/** What one run of the ladder is asked for, and what it measures. */
import type { EngineName, Mode } from '../arguments.js';
import type { Durability, EngineFacts } from '../report.js';
import type { StageCosts } from './stage-costs.js';

/** Column families, each with one batch under way at any time. */
export const FAMILIES = 8;
export const KEY_BYTES = 8;
export const VALUE_BYTES = 150;

export interface RunParameters {
  readonly engine: EngineName;
  /** lmdb-js has one way only. */
  readonly mode: Mode | 'default';
  readonly durability: Durability;
  readonly addedSyncLatencyUs: number;
  readonly batchOps: number;
  readonly batchesPerFamily: number;
  /** Batches per family before the measured ones, in the same database. */
  readonly leadInBatchesPerFamily: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  /** Parent of the run's databases. */
  readonly directory: string;
}

export interface RunMeasures {
  readonly facts: EngineFacts;
  readonly elapsedMs: number;
  readonly commits: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Only Manifold tells. */
  readonly costs: StageCosts | undefined;
  /** Processor time of the main thread, of engine and workload together; Linux only. */
  readonly mainRanMs: number | undefined;
  /** How long the main thread was ready, but others had the processors. */
  readonly mainWaitedMs: number | undefined;
  readonly peakRssBytes: number;
  readonly eventLoopDelayP99Ms: number;
  readonly eventLoopDelayMaxMs: number;
}

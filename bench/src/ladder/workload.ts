/**
 * The workload `seed`: column families written side by side, each its own ascending keys in
 * batches, and each next batch when the last one is acknowledged. Also the measuring around it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { percentile, sortedCopy } from '../figures.js';
import { mainThreadTime } from '../processor-time.js';
import { Random } from '../random.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';
import { FAMILIES, KEY_BYTES, VALUE_BYTES, type RunMeasures } from './run.js';
import { costsBetween, type StageTotals } from './stage-costs.js';

const DISTINCT_VALUES = 256;
const VALUE_SEED = 4711;
const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;
const EVENT_LOOP_RESOLUTION_MS = 1;

/** An open database of one of the engines. */
export interface Target {
  /** Resolves once the puts of `batch` are as durable as the run asks for. */
  commit(family: number, batch: Batch): Promise<unknown>;
  /** Resolves once nothing is under way any more. */
  settle(): Promise<void>;
  /** Running totals, of engines that have them. */
  totals(): StageTotals | undefined;
  close(): Promise<void>;
}

/**
 * Keys and values of one commit. Values are never changed: lmdb-js writes them from where they are.
 */
export class Batch {
  readonly ops: number;
  readonly #values: readonly Buffer[];
  readonly #key = Buffer.alloc(KEY_BYTES);
  #next = 0;

  constructor(ops: number, values: readonly Buffer[]) {
    this.ops = ops;
    this.#values = values;
  }

  /** The key of the next put, in the same Buffer every time: both engines copy it at once. */
  nextKey(): Buffer {
    this.#key.writeUInt32BE(this.#next++, KEY_BYTES - Uint32Array.BYTES_PER_ELEMENT);
    return this.#key;
  }

  /** The value that belongs to the last key. */
  value(): Buffer {
    return this.#values[this.#next % DISTINCT_VALUES]!;
  }
}

function createValues(): Buffer[] {
  const random = new Random(VALUE_SEED);
  return Array.from({ length: DISTINCT_VALUES }, () => random.bytes(VALUE_BYTES));
}

export class SeedWorkload {
  readonly #target: Target;
  readonly #batches: Batch[];

  constructor(target: Target, batchOps: number) {
    const values = createValues();
    this.#target = target;
    this.#batches = Array.from({ length: FAMILIES }, () => new Batch(batchOps, values));
  }

  /** Microseconds that each commit took, from the call to the acknowledgement. */
  async run(batchesPerFamily: number): Promise<Float64Array> {
    const latenciesUs = new Float64Array(batchesPerFamily * FAMILIES);
    let done = 0;
    const writeFamily = async (batch: Batch, family: number): Promise<void> => {
      for (let i = 0; i < batchesPerFamily; i++) {
        const started = performance.now();
        await this.#target.commit(family, batch);
        latenciesUs[done++] = (performance.now() - started) * US_PER_MS;
      }
    };
    await Promise.all(this.#batches.map(writeFamily));
    return latenciesUs;
  }
}

/** Runs the lead-in, then the part that counts. */
export async function measure(
  target: Target,
  batchOps: number,
  leadInBatches: number,
  batchesPerFamily: number,
): Promise<RunMeasures> {
  const workload = new SeedWorkload(target, batchOps);
  await workload.run(leadInBatches);
  await target.settle();
  resetPeakResident();
  const before = target.totals();
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();
  const timeBefore = mainThreadTime();
  const started = performance.now();
  const latenciesUs = await workload.run(batchesPerFamily);
  const elapsedMs = performance.now() - started;
  const timeAfter = mainThreadTime();
  delay.disable();
  const peakRssBytes = peakResidentBytes();
  await target.settle();
  const after = target.totals();
  const sorted = sortedCopy(latenciesUs);
  return {
    elapsedMs,
    commits: sorted.length,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    costs: before && after && costsBetween(before, after),
    mainRanMs: timeBefore && timeAfter && (timeAfter.ranNs - timeBefore.ranNs) / NS_PER_MS,
    mainWaitedMs: timeBefore && timeAfter && (timeAfter.waitedNs - timeBefore.waitedNs) / NS_PER_MS,
    peakRssBytes,
    eventLoopDelayP99Ms: delay.percentile(99) / NS_PER_MS,
    eventLoopDelayMaxMs: delay.max / NS_PER_MS,
  };
}

/**
 * The workload `seed`: column families written side by side, each its own ascending keys in
 * batches, and each next batch when the last one is acknowledged. Also the measuring around it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { percentile, sortedCopy } from '../figures.js';
import { mainThreadTime } from '../processor-time.js';
import { Random } from '../random.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';
import type { Puts, Store } from '../engines/store.js';
import { FAMILIES, KEY_BYTES, VALUE_BYTES, type RunMeasures } from './run.js';
import { costsBetween } from './stage-costs.js';

const DISTINCT_VALUES = 256;
const VALUE_SEED = 4711;
const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;
const EVENT_LOOP_RESOLUTION_MS = 1;

/** What the workload needs of a store. */
export type Target = Pick<Store, 'commit' | 'settle' | 'totals'>;

export type KeyOrder = 'ascending' | 'random';

/** Every number gets another one, in no order: the mixing steps can each be undone. */
function scattered(number: number): number {
  let mixed = number;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Keys and values of the commits of one family. */
export class Batch implements Puts {
  readonly ops: number;
  readonly #values: readonly Buffer[];
  readonly #key = Buffer.alloc(KEY_BYTES);
  readonly #isScattered: boolean;
  #next = 0;

  constructor(ops: number, values: readonly Buffer[], order: KeyOrder = 'ascending') {
    this.ops = ops;
    this.#isScattered = order === 'random';
    this.#values = values;
  }

  nextKey(): Buffer {
    const number = this.#next++;
    const key = this.#isScattered ? scattered(number) : number;
    this.#key.writeUInt32BE(key, KEY_BYTES - Uint32Array.BYTES_PER_ELEMENT);
    return this.#key;
  }

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

  constructor(target: Target, batchOps: number, order: KeyOrder = 'ascending') {
    const values = createValues();
    this.#target = target;
    this.#batches = Array.from({ length: FAMILIES }, () => new Batch(batchOps, values, order));
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
  target: Target & Pick<Store, 'facts'>,
  batchOps: number,
  leadInBatches: number,
  batchesPerFamily: number,
): Promise<RunMeasures> {
  const workload = new SeedWorkload(target, batchOps);
  await workload.run(leadInBatches);
  await target.settle();
  resetPeakResident();
  const before = target.totals?.();
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
  const after = target.totals?.();
  const sorted = sortedCopy(latenciesUs);
  return {
    facts: target.facts,
    elapsedMs,
    commits: sorted.length,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    p999Us: percentile(sorted, 0.999),
    maxUs: percentile(sorted, 1),
    costs: before && after && costsBetween(before, after),
    mainRanMs: timeBefore && timeAfter && (timeAfter.ranNs - timeBefore.ranNs) / NS_PER_MS,
    mainWaitedMs: timeBefore && timeAfter && (timeAfter.waitedNs - timeBefore.waitedNs) / NS_PER_MS,
    peakRssBytes,
    eventLoopDelayP99Ms: delay.percentile(99) / NS_PER_MS,
    eventLoopDelayMaxMs: delay.max / NS_PER_MS,
  };
}

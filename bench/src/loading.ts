/** Fills a store with records in random order, the same way in every suite and engine. */
import type { Store } from './engines/store.js';
import { shuffled } from './random.js';
import { RecordPuts, type Records } from './records.js';

export const LOAD_BATCH_OPS = 1000;
/** Batches under way at a time, as in the seed's workload. */
export const LOAD_IN_FLIGHT = 8;
const ORDER_SEED = 41;
const SERIES_POINTS = 50;
const US_PER_MS = 1e3;
const MS_PER_SECOND = 1e3;

/** Rate between this point and the one before. */
export interface RatePoint {
  readonly atMs: number;
  readonly entriesPerSecond: number;
}

export interface Loaded {
  /** Of the batches. */
  readonly latenciesUs: readonly number[];
  readonly series: readonly RatePoint[];
  readonly acknowledgedMs: number;
}

export function loadOrder(records: Records): Uint32Array {
  return shuffled(records.count, ORDER_SEED);
}

export async function loadRecords(
  store: Store,
  records: Records,
  order = loadOrder(records),
  batchOps = LOAD_BATCH_OPS,
): Promise<Loaded> {
  const latenciesUs: number[] = [];
  const series: RatePoint[] = [];
  const entriesPerPoint = Math.max(batchOps, Math.floor(order.length / SERIES_POINTS));
  const first = performance.now();
  let next = 0;
  let done = 0;
  let pointMs = 0;
  let pointDone = 0;
  const mark = (nowMs: number): void => {
    const entriesPerSecond = ((done - pointDone) / (nowMs - pointMs)) * MS_PER_SECOND;
    series.push({ atMs: Math.round(nowMs), entriesPerSecond: Math.round(entriesPerSecond) });
    pointMs = nowMs;
    pointDone = done;
  };
  const client = async (): Promise<void> => {
    while (next < order.length) {
      const puts = new RecordPuts(records, order, next, batchOps);
      next += puts.ops;
      const started = performance.now();
      await store.commit(0, puts);
      const ended = performance.now();
      latenciesUs.push((ended - started) * US_PER_MS);
      done += puts.ops;
      if (done - pointDone >= entriesPerPoint) mark(ended - first);
    }
  };
  await Promise.all(Array.from({ length: LOAD_IN_FLIGHT }, client));
  const acknowledgedMs = performance.now() - first;
  if (done > pointDone) mark(acknowledgedMs);
  return { latenciesUs, series, acknowledgedMs };
}

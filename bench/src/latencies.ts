/** Percentiles of latencies, under the names that all reports use. */
import { percentile, sortedCopy } from './figures.js';

export interface LatencyFigures {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

export function latencyFigures(latenciesUs: ArrayLike<number>): LatencyFigures {
  const sorted = sortedCopy(latenciesUs);
  return {
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
    p999Us: percentile(sorted, 0.999),
    maxUs: percentile(sorted, 1),
  };
}

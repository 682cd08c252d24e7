/** Order statistics of measured figures. */

/** The value that the share `quantile` of the figures does not exceed; NaN without figures. */
export function percentile(sorted: ArrayLike<number>, quantile: number): number {
  if (sorted.length === 0) return Number.NaN;
  const index = Math.ceil(sorted.length * quantile) - 1;
  return sorted[Math.max(0, index)]!;
}

export function sortedCopy(figures: ArrayLike<number>): Float64Array {
  return Float64Array.from(figures).sort();
}

/** Middle figure; the lower one of two, so that it is always one that was measured. */
export function median(figures: ArrayLike<number>): number {
  return percentile(sortedCopy(figures), 0.5);
}

/** Rounded to a number of significant digits, for reports; what is not finite stays. */
export function rounded(value: number, digits = 5): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = sortedCopy(figures);
  return {
    min: rounded(percentile(sorted, 0)),
    median: rounded(percentile(sorted, 0.5)),
    max: rounded(percentile(sorted, 1)),
  };
}

/**
 * Latencies in a histogram of fixed size: buckets grow by 2 % each, so percentiles are exact to
 * about 1 %, and a million commits take no more memory than one.
 */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** The last bucket begins at about four hours. */
const BUCKET_COUNT = 1200;

export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(latencyUs: number): void {
    const bucket = latencyUs <= 1 ? 0 : Math.floor(Math.log(latencyUs) / LOG_GROWTH);
    const index = Math.min(bucket, BUCKET_COUNT - 1);
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#total += 1;
  }

  /** The latency that this share (0 to 1) of all stays below or at; 0 without any. */
  percentileUs(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.round(GROWTH ** (index + 0.5));
    }
    return 0;
  }
}

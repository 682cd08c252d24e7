/**
 * Zipf-distributed numbers, as YCSB makes them (after Gray et al., "Quickly generating
 * billion-record synthetic databases"): 0 is asked for most often.
 */
const THETA = 0.99;

function zeta(items: number): number {
  let sum = 0;
  for (let i = 1; i <= items; i++) sum += 1 / i ** THETA;
  return sum;
}

export class Zipfian {
  readonly #items: number;
  readonly #zeta: number;
  readonly #alpha = 1 / (1 - THETA);
  readonly #eta: number;
  readonly #second = 1 + 0.5 ** THETA;

  constructor(items: number) {
    this.#items = items;
    this.#zeta = zeta(items);
    this.#eta = (1 - (2 / items) ** (1 - THETA)) / (1 - zeta(2) / this.#zeta);
  }

  /** A number below `items` for a share in [0, 1). */
  at(share: number): number {
    const scaled = share * this.#zeta;
    if (scaled < 1) return 0;
    if (scaled < this.#second) return 1;
    const rank = Math.floor(this.#items * (this.#eta * share - this.#eta + 1) ** this.#alpha);
    return Math.min(this.#items - 1, rank);
  }
}

/** Repeatable random numbers, so that every run and both engines see the same data. */

const MULTIPLIER = 1664525;
const INCREMENT = 1013904223;
const TWO_32 = 0x1_0000_0000;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    this.#state = (Math.imul(this.#state, MULTIPLIER) + INCREMENT) >>> 0;
    // The high bits of a linear congruential generator are the random ones.
    return Math.floor((this.#state / TWO_32) * bound);
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/** The numbers from 0 to `count - 1` in random order. */
export function shuffled(count: number, seed: number): Uint32Array {
  const random = new Random(seed);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const other = random.below(i + 1);
    const kept = order[i]!;
    order[i] = order[other]!;
    order[other] = kept;
  }
  return order;
}

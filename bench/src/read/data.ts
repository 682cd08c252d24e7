/** The records of the suite `read`: keys of 14 bytes in ascending order, values of 100 bytes. */
import { Random, shuffled } from '../random.js';

export const KEY_BYTES = 14;
export const VALUE_BYTES = 100;
const PREFIX = Buffer.from('key');
const DIGITS = KEY_BYTES - PREFIX.length;
const DIGIT_ZERO = 0x30;
const DISTINCT_VALUES = 1024;

/** Writes the key of a record into 14 bytes of `target`. */
export function writeKey(target: Buffer, at: number, number: number): void {
  PREFIX.copy(target, at);
  let rest = number;
  for (let i = DIGITS - 1; i >= 0; i--) {
    target[at + PREFIX.length + i] = DIGIT_ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

export class Records {
  readonly count: number;
  readonly #values: readonly Buffer[];

  constructor(count: number) {
    const random = new Random(17);
    this.count = count;
    this.#values = Array.from({ length: DISTINCT_VALUES }, () => random.bytes(VALUE_BYTES));
  }

  /** Even numbers are there, odd ones are not: a miss falls between two neighbours. */
  key(index: number): Buffer {
    const key = Buffer.alloc(KEY_BYTES);
    writeKey(key, 0, index * 2);
    return key;
  }

  value(index: number): Buffer {
    return this.#values[index % DISTINCT_VALUES]!;
  }

  /** Keys in random order, made beforehand: making them is no part of a read. */
  sample(count: number, seed: number, isHit: boolean): Buffer[] {
    const order = shuffled(this.count, seed);
    return Array.from({ length: Math.min(count, this.count) }, (_, i) => {
      const key = Buffer.alloc(KEY_BYTES);
      writeKey(key, 0, order[i]! * 2 + (isHit ? 0 : 1));
      return key;
    });
  }
}

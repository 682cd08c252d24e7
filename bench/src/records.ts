/** The records of most suites: keys of 14 bytes, values of 100 bytes. */
import type { Puts } from './engines/store.js';
import { Random, shuffled } from './random.js';

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

  /** A key between two that are there; another one for every number below `count`. */
  keyBetween(index: number): Buffer {
    const key = Buffer.alloc(KEY_BYTES);
    writeKey(key, 0, index * 2 + 1);
    return key;
  }

  get bytes(): number {
    return this.count * (KEY_BYTES + VALUE_BYTES);
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

/** Records of a stretch of an order, as the puts of one commit. */
export class RecordPuts implements Puts {
  readonly ops: number;
  readonly #records: Records;
  readonly #order: Uint32Array;
  readonly #key = Buffer.alloc(KEY_BYTES);
  #next: number;
  #index = 0;

  constructor(records: Records, order: Uint32Array, first: number, ops: number) {
    this.ops = Math.min(ops, order.length - first);
    this.#records = records;
    this.#order = order;
    this.#next = first;
  }

  nextKey(): Buffer {
    this.#index = this.#order[this.#next++]!;
    writeKey(this.#key, 0, this.#index * 2);
    return this.#key;
  }

  value(): Buffer {
    return this.#records.value(this.#index);
  }
}

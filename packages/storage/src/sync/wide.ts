/**
 * Wide counters: a safe integer (up to 2^53) in two Int32 words, one writer, any reader.
 *
 *   word 0  low   value mod 2^32
 *   word 1  high  floor(value / 2^31)
 *
 * Bit 31 of the value stands in both words (top bit of `low`, bottom bit of `high`), so a reader
 * that mixes an old with a new word notices whenever the carry between them moved. Threads: all.
 *
 * Invariants
 * 1. A word pair has one writer, or is written under one named lock.
 * 2. The value never decreases, and one store raises it by at most 2^31. While a reader saw the
 *    same `high` twice, `low` belongs to that `high` or to the one just before it (its writer is
 *    between its two stores); those differ in the overlap bit, so equal bits mean an untorn value.
 * 3. A pair that breaks 2 (a row that is used again, the first value of an open database) is only
 *    read by a thread that has seen, through another atomic word, that the store is complete.
 */
import { assert } from '../assert.js';

const TWO_31 = 0x80000000;
/** Words that a wide counter takes. */
export const WIDE_WORDS = 2;

export function storeWide(words: Int32Array, index: number, value: number): void {
  assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'a wide counter is a safe integer');
  const high = Math.floor(value / TWO_31);
  // High first: a reader that sees the new high and the old low is caught by the overlap bit or,
  // when high did not change, reads a plain older value.
  Atomics.store(words, index + 1, high);
  Atomics.store(words, index, value | 0);
}

export function loadWide(words: Int32Array, index: number): number {
  for (;;) {
    const high = Atomics.load(words, index + 1);
    const low = Atomics.load(words, index);
    if (low >>> 31 === (high & 1) && Atomics.load(words, index + 1) === high) {
      return high * TWO_31 + (low & 0x7fffffff);
    }
  }
}

/** Plain stores: for words that another atomic store publishes, or that no thread reads yet. */
export function storeWideOwned(words: Int32Array, index: number, value: number): void {
  words[index + 1] = Math.floor(value / TWO_31);
  words[index] = value | 0;
}

/** For the sole writer, or where no other thread runs: plain loads. */
export function loadWideOwned(words: Int32Array, index: number): number {
  return words[index + 1]! * TWO_31 + (words[index]! & 0x7fffffff);
}

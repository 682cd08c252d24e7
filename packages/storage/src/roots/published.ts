/**
 * Published root sets: two tables, written in turn by the applier, read by any thread without a
 * lock. Layout: `layout/roots.ts`.
 *
 * Invariants
 * 1. Version v stands in table v & 1. The applier writes only the other table, then stores v + 1.
 * 2. A reader that loads version v before and after it copied from table v & 1 has an untorn copy:
 *    the applier touches that table again only after it stored v + 1.
 * 3. Every word of a table is stored and loaded atomically, so that neither side's accesses move
 *    across the version word on machines with a weaker memory order than x86.
 * 4. Pages that only older root sets reach are retired after the applier stored the new version and
 *    every operation that began before is over. So a reader takes its root inside the operation in
 *    which it uses it; then the pages behind it stay.
 */
import {
  ROOTS_PUBLISHED,
  ROOTS_SET_HEADERS,
  ROOTS_SET_HEADER_WORDS,
  ROOTS_TABLE_0,
  ROOTS_TABLE_1,
  ROOT_WORDS,
  SET_MARK,
  SET_SEQUENCE,
  SET_SLOTS,
} from '../layout/roots.js';
import type { Shared } from '../shared.js';
import { storeWideOwned } from '../sync/wide.js';
import { decodeRootRow, usedSlots, type RootRow } from './rows.js';

const TWO_31 = 0x80000000;

function tableOf(version: number): number {
  return (version & 1) === 0 ? ROOTS_TABLE_0 : ROOTS_TABLE_1;
}

function headerOf(version: number): number {
  return ROOTS_SET_HEADERS + (version & 1) * ROOTS_SET_HEADER_WORDS;
}

/**
 * Publishes the rows that stand at word `source` (staged or admitted rows) as the root set of
 * `sequence`. `mark`: every page reachable from it has a smaller birth. Only by the applier.
 */
export function publishRootSet(
  shared: Shared,
  source: number,
  sequence: number,
  mark: number,
): void {
  const { roots } = shared;
  const version = (roots[ROOTS_PUBLISHED]! + 1) | 0;
  const table = tableOf(version);
  const slots = usedSlots(shared);
  const words = slots * ROOT_WORDS;
  for (let i = 0; i < words; i++) {
    // Few rows change between two sets, and an atomic store costs more than a comparison.
    const value = roots[source + i]!;
    if (roots[table + i] !== value) Atomics.store(roots, table + i, value);
  }
  const header = headerOf(version);
  storeHeaderWide(roots, header + SET_SEQUENCE, sequence);
  storeHeaderWide(roots, header + SET_MARK, mark);
  Atomics.store(roots, header + SET_SLOTS, slots);
  // Last: whoever loads this version finds its table complete.
  Atomics.store(roots, ROOTS_PUBLISHED, version);
}

function storeHeaderWide(roots: Int32Array, at: number, value: number): void {
  Atomics.store(roots, at + 1, Math.floor(value / TWO_31));
  Atomics.store(roots, at, value | 0);
}

function loadHeaderWide(roots: Int32Array, at: number): number {
  return Atomics.load(roots, at + 1) * TWO_31 + (Atomics.load(roots, at) & 0x7fffffff);
}

/**
 * A reader's private copy of published rows; one per thread. Use inside one operation of the pager
 * (invariant 4).
 */
export class RootSetReader {
  /** Sequence of the set that the last `readRow` or `readSet` copied from. */
  sequence = 0;
  mark = 0;
  slots = 0;
  /** Rows that `readSet` copied: ROOT_WORDS per slot. */
  rows = new Int32Array(0);
  readonly #roots: Int32Array;
  readonly #row = new Int32Array(ROOT_WORDS);

  constructor(shared: Shared) {
    this.#roots = shared.roots;
  }

  /** The published row of one family. A slot that was never used reads as FAMILY_ABSENT. */
  readRow(slot: number, row: RootRow): void {
    const roots = this.#roots;
    for (;;) {
      const version = Atomics.load(roots, ROOTS_PUBLISHED);
      const from = tableOf(version) + slot * ROOT_WORDS;
      for (let i = 0; i < ROOT_WORDS; i++) this.#row[i] = Atomics.load(roots, from + i);
      this.#readHeader(version);
      if (Atomics.load(roots, ROOTS_PUBLISHED) === version) break;
    }
    decodeRootRow(this.#row, 0, row);
  }

  /** Copies a whole root set: `sequence`, `mark`, `slots`, `rows`. */
  readSet(): void {
    const roots = this.#roots;
    for (;;) {
      const version = Atomics.load(roots, ROOTS_PUBLISHED);
      this.#readHeader(version);
      const words = this.slots * ROOT_WORDS;
      if (this.rows.length < words) this.rows = new Int32Array(words);
      const table = tableOf(version);
      for (let i = 0; i < words; i++) this.rows[i] = Atomics.load(roots, table + i);
      if (Atomics.load(roots, ROOTS_PUBLISHED) === version) return;
    }
  }

  #readHeader(version: number): void {
    const header = headerOf(version);
    this.sequence = loadHeaderWide(this.#roots, header + SET_SEQUENCE);
    this.mark = loadHeaderWide(this.#roots, header + SET_MARK);
    this.slots = Atomics.load(this.#roots, header + SET_SLOTS);
  }
}

/** Header of a set before any other thread is there. */
export function initializeSetHeaders(shared: Shared, sequence: number, mark: number): void {
  for (let table = 0; table < 2; table++) {
    const header = ROOTS_SET_HEADERS + table * ROOTS_SET_HEADER_WORDS;
    storeWideOwned(shared.roots, header + SET_SEQUENCE, sequence);
    storeWideOwned(shared.roots, header + SET_MARK, mark);
    shared.roots[header + SET_SLOTS] = usedSlots(shared);
  }
}

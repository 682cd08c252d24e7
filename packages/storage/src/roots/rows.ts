/**
 * Rows of the root tables: decoding, encoding, and the tables that one thread or one lock owns
 * (admitted, staged). Published tables are read and written through `published.ts` only. Layout:
 * `layout/roots.ts`.
 */
import {
  FAMILY_ABSENT,
  ROOTS_ADMITTED,
  ROOTS_SLOTS,
  ROOTS_STAGED,
  ROOT_BIRTH,
  ROOT_COUNT,
  ROOT_ID,
  ROOT_PAGE,
  ROOT_STATE,
  ROOT_WORDS,
} from '../layout/roots.js';
import { NO_PAGE } from '../ids.js';
import type { Shared } from '../shared.js';

const TWO_32 = 0x1_0000_0000;

/** A row as an object; one is reused by its reader. */
export class RootRow {
  id = 0;
  page: number = NO_PAGE;
  birth = 0;
  /** Entries in the tree. */
  count = 0;
  state: number = FAMILY_ABSENT;
}

export function decodeRootRow(words: Int32Array, at: number, row: RootRow): void {
  row.id = words[at + ROOT_ID]!;
  row.page = words[at + ROOT_PAGE]!;
  row.birth = (words[at + ROOT_BIRTH]! >>> 0) + words[at + ROOT_BIRTH + 1]! * TWO_32;
  row.count = (words[at + ROOT_COUNT]! >>> 0) + words[at + ROOT_COUNT + 1]! * TWO_32;
  row.state = words[at + ROOT_STATE]!;
}

export function encodeRootRow(words: Int32Array, at: number, row: RootRow): void {
  words[at + ROOT_ID] = row.id;
  words[at + ROOT_PAGE] = row.page;
  words[at + ROOT_BIRTH] = row.birth | 0;
  words[at + ROOT_BIRTH + 1] = Math.floor(row.birth / TWO_32);
  words[at + ROOT_COUNT] = row.count | 0;
  words[at + ROOT_COUNT + 1] = Math.floor(row.count / TWO_32);
  words[at + ROOT_STATE] = row.state;
  words[at + ROOT_STATE + 1] = 0;
}

/** Word index of a slot's admitted row: newest committed version, under the append lock. */
export function admittedRowAt(slot: number): number {
  return ROOTS_ADMITTED + slot * ROOT_WORDS;
}

/** Word index of a slot's staged row: apply worker that owns the slot. */
export function stagedRowAt(slot: number): number {
  return ROOTS_STAGED + slot * ROOT_WORDS;
}

export function readAdmittedRow(shared: Shared, slot: number, row: RootRow): void {
  decodeRootRow(shared.roots, admittedRowAt(slot), row);
}

/** Under the append lock. The slot counts as used from here on. */
export function writeAdmittedRow(shared: Shared, slot: number, row: RootRow): void {
  encodeRootRow(shared.roots, admittedRowAt(slot), row);
  if (slot >= shared.roots[ROOTS_SLOTS]!) Atomics.store(shared.roots, ROOTS_SLOTS, slot + 1);
}

/** Rows ever used; slots from here on are FAMILY_ABSENT in every table. */
export function usedSlots(shared: Shared): number {
  return Atomics.load(shared.roots, ROOTS_SLOTS);
}

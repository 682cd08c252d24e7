/**
 * Family rows of a write buffer, a list from the newest to the oldest, and a cache of where they
 * stand. Rows are made by the thread that writes the buffer; any attached thread may have a cache.
 */
import {
  BUFFER_FAMILIES,
  BUFFER_NEWEST_FAMILY,
  BUFFER_RESETS,
  FAMILY_FIRST_SEQUENCE,
  FAMILY_ID,
  FAMILY_OLDER,
  FAMILY_SLOT,
  FAMILY_UNITS,
  NO_UNIT,
  UNIT_WORDS,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { storeWideOwned } from '../sync/wide.js';
import { takeUnits } from './units.js';

/** Word 0 is in the header, never a row. */
export const NO_FAMILY = 0;

/** Word of a new row. */
export function makeFamily(
  words: Int32Array,
  familyId: number,
  slot: number,
  sequence: number,
): number {
  const unit = takeUnits(words, FAMILY_UNITS);
  const row = unit << UNIT_WORD_SHIFT;
  for (let word = 0; word < FAMILY_UNITS * UNIT_WORDS; word++) words[row + word] = 0;
  words[row + FAMILY_ID] = familyId;
  words[row + FAMILY_SLOT] = slot;
  words[row + FAMILY_OLDER] = words[BUFFER_NEWEST_FAMILY];
  storeWideOwned(words, row + FAMILY_FIRST_SEQUENCE, sequence);
  words[BUFFER_NEWEST_FAMILY] = unit;
  words[BUFFER_FAMILIES] += 1;
  return row;
}

/** Words of all rows, the oldest first. */
export function familyRows(words: Int32Array): number[] {
  const rows: number[] = [];
  for (let unit = words[BUFFER_NEWEST_FAMILY]; unit !== NO_UNIT;) {
    const row = unit << UNIT_WORD_SHIFT;
    rows.push(row);
    unit = words[row + FAMILY_OLDER];
  }
  return rows.reverse();
}

/** Where the rows of one block stand, by family id. */
export class FamilyCache {
  readonly #words: Int32Array;
  readonly #rows = new Map<number, number>();
  /** Newest row in the cache, and the life of the block that the cache is about. */
  #newest = NO_UNIT;
  #resets = 0;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#resets = words[BUFFER_RESETS];
  }

  /** Word of the family's row, or NO_FAMILY. */
  rowOf(familyId: number): number {
    const words = this.#words;
    if (words[BUFFER_RESETS] !== this.#resets || words[BUFFER_NEWEST_FAMILY] !== this.#newest) {
      this.#refresh();
    }
    return this.#rows.get(familyId) ?? NO_FAMILY;
  }

  #refresh(): void {
    const words = this.#words;
    if (words[BUFFER_RESETS] !== this.#resets) {
      this.#rows.clear();
      this.#newest = NO_UNIT;
      this.#resets = words[BUFFER_RESETS];
    }
    const newest = words[BUFFER_NEWEST_FAMILY];
    for (let unit = newest; unit !== this.#newest;) {
      const row = unit << UNIT_WORD_SHIFT;
      this.#rows.set(words[row + FAMILY_ID], row);
      unit = words[row + FAMILY_OLDER];
    }
    this.#newest = newest;
  }
}

/**
 * The root of one version of one tree, and the place of a value that a look-up or a cursor found.
 * Mutable holders, so that hot code allocates nothing; each belongs to the thread that uses it.
 */
import { VALUE_BYTES_MAX } from '../limits.js';
import type { Pager } from '../pages/pager.js';
import {
  OVERFLOW_REFERENCE_BYTES,
  TWO_32,
  VALUE_BYTES_MASK,
  WORD_PAGE,
  slotWord,
  valueAt,
} from './node-layout.js';
import { corruptPage } from './node-read.js';

/** Page 0 is the empty tree. */
export class TreeRoot {
  page = 0;
  birth = 0;
  /** Entries. */
  count = 0;

  copyFrom(other: TreeRoot): void {
    this.page = other.page;
    this.birth = other.birth;
    this.count = other.count;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Valid until the pager operation in which it was filled ends. */
export class TreeHit {
  /** View of the region that holds the value (unless it is an overflow value). */
  u8: Uint8Array = NO_BYTES;
  valueOffset = 0;
  valueBytes = 0;
  /** Not 0: the value stands in overflow pages; read it with `readOverflow`. */
  overflowPage = 0;
  overflowBirth = 0;
  overflowDepth = 0;
}

/** Fills `hit` with the value of a slot of the leaf at `base`. */
export function loadHit(
  pager: Pager,
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  slot: number,
  hit: TreeHit,
): void {
  const location = i32[slotWord(i32, base, slot) + 1]!;
  const cell = base + ((location & 0xffff) << 2);
  const value = i32[cell >> 2]!;
  const at = valueAt(cell, location >>> 16);
  const end = base + pager.pageBytes;
  hit.u8 = u8;
  hit.valueOffset = at;
  if (value >= 0 && at + value <= end) {
    hit.valueBytes = value;
    hit.overflowPage = 0;
    return;
  }
  const bytes = value & VALUE_BYTES_MASK;
  if (value >= 0 || bytes > VALUE_BYTES_MAX || at + OVERFLOW_REFERENCE_BYTES > end) {
    throw corruptPage(pager, i32[(base >> 2) + WORD_PAGE]!, 'a value leaves the page');
  }
  const word = at >> 2;
  hit.valueBytes = bytes;
  hit.overflowPage = i32[word]!;
  hit.overflowBirth = (i32[word + 2]! & 0xffff) * TWO_32 + (i32[word + 1]! >>> 0);
  hit.overflowDepth = i32[word + 2]! >>> 16;
}

/**
 * Units of the index area of a write buffer: handed out from the end of the block downwards, never
 * given back before the whole block is reset, but for one that was just taken in vain. Run by the
 * thread that writes the buffer.
 */
import { assert } from '../assert.js';
import {
  BUFFER_DATA_USED,
  BUFFER_UNITS_USED,
  UNIT_BYTES,
  UNIT_WORD_SHIFT,
  dataStart,
} from '../layout/write-buffer.js';

/** The first of `count` neighbouring units; their words hold whatever stood there before. */
export function takeUnits(words: Int32Array, count: number): number {
  const used = words[BUFFER_UNITS_USED] + count;
  const unit = (words.length >>> UNIT_WORD_SHIFT) - used;
  const dataEnd = dataStart(words.length << 2) + words[BUFFER_DATA_USED];
  assert(unit * UNIT_BYTES >= dataEnd, 'the index of a write buffer stays clear of its data');
  words[BUFFER_UNITS_USED] = used;
  return unit;
}

/** Gives back the unit that was taken last. */
export function returnUnit(words: Int32Array): void {
  words[BUFFER_UNITS_USED] -= 1;
}

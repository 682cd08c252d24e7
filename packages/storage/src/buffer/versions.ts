/**
 * Versions of one key: the key node holds the newest one, `KEY_OLDER` leads to the next older. Run
 * by the thread that writes the buffer, and by readers.
 *
 * Invariants
 * 1. Hash and ordered index point to the node for good; contents move, the node does not.
 * 2. Along the chain sequences fall, and with them the ordinals. A sequence stands there once:
 *    nobody can look in between two operations of one commit.
 */
import { OPERATION_HEADER_BYTES } from '../format/operation.js';
import {
  KEY_OLDER,
  KEY_SEQUENCE,
  KEY_VALUE_OFFSET,
  NO_UNIT,
  UNIT_WORDS,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { loadWideOwned } from '../sync/wide.js';
import { takeUnits } from './units.js';

/** Word 0 is in the header, never a version. */
export const NO_VERSION = 0;

/** Word of the newest version with a sequence <= `sequenceMax`, or NO_VERSION. */
export function visibleVersion(words: Int32Array, node: number, sequenceMax: number): number {
  let version = node;
  while (loadWideOwned(words, version + KEY_SEQUENCE) > sequenceMax) {
    const older = words[version + KEY_OLDER];
    if (older === NO_UNIT) return NO_VERSION;
    version = older << UNIT_WORD_SHIFT;
  }
  return version;
}

/** Where the operation of a version stands in the data: it grows with time. */
export function ordinalOf(words: Int32Array, version: number): number {
  return words[version + KEY_VALUE_OFFSET] - OPERATION_HEADER_BYTES;
}

/** Makes room in the node for a version as of `sequence`; the caller fills it. */
export function pushVersion(words: Int32Array, node: number, sequence: number): void {
  if (loadWideOwned(words, node + KEY_SEQUENCE) === sequence) return;
  const unit = takeUnits(words, 1);
  const copy = unit << UNIT_WORD_SHIFT;
  for (let i = 0; i < UNIT_WORDS; i++) words[copy + i] = words[node + i];
  words[node + KEY_OLDER] = unit;
}

/**
 * What one window of a sealed write buffer, above < sequence <= upTo, does to the trees. Run by the
 * apply workers; the window ends at the generation's end or at a snapshot's sequence.
 *
 * For each family the worker removes the ranges of `tombstones` from the tree, then applies the
 * entries in order. Windows one after another then do what the operations would do one by one.
 *
 * Invariants
 * 1. An entry is a key's newest version in the window; one that a tombstone of the window covers
 *    is none: removing the range has done its work.
 * 2. A family that the window drops has neither tombstones nor entries: its tree goes as a whole.
 */
import { CACHE_LINE_WORDS, touchLines } from '../cache-lines.js';
import { OperationKind } from '../format/operation.js';
import {
  FAMILY_CREATED,
  FAMILY_DROPPED,
  FAMILY_FIRST_LEAF,
  FAMILY_FIRST_SEQUENCE,
  FAMILY_ID,
  FAMILY_LAST_SEQUENCE,
  FAMILY_SLOT,
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_KIND_SHIFT,
  KEY_OFFSET,
  KEY_SEQUENCE,
  KEY_VALUE_BYTES,
  KEY_VALUE_OFFSET,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { loadWideOwned } from '../sync/wide.js';
import { familyRows } from './families.js';
import { NODE_COUNT, NODE_NEXT, entryKey, unitsAt } from './ordered-node.js';
import { type BufferRange, isCovered } from './tombstones.js';
import { NO_VERSION, ordinalOf, visibleVersion } from './versions.js';
import type { WriteBuffer } from './write-buffer.js';

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Int32Array(0);
const NO_RANGES: readonly BufferRange[] = [];
const LEAF_UNITS = unitsAt(0);
/** Ordinal of a version that another, older buffer holds. */
const OLDER_THAN_ALL = 0;
/** Word 0 is in the header, never a leaf. */
const NO_LEAF = 0;
/** Entries whose bytes are asked for together. */
const ENTRIES_TOUCHED = 8;
/** Of longer values the hardware brings the rest. */
const WORDS_AHEAD_MAX = 8 * CACHE_LINE_WORDS;

export class BufferMergeWalk {
  /** Current family. */
  familyId = 0;
  slot = 0;
  isCreated = false;
  isDropped = false;
  /** Ranges that the window removes from the family, the oldest first. */
  tombstones: readonly BufferRange[] = NO_RANGES;
  /** Of the buffer. */
  bytes: Buffer = NO_BYTES;
  /** Current entry: offsets into `bytes`. */
  isDelete = false;
  keyOffset = 0;
  keyBytes = 0;
  valueOffset = 0;
  valueBytes = 0;

  // Plain fields: every entry touches them.
  private buffer: WriteBuffer | undefined = undefined;
  private words: Int32Array = NO_WORDS;
  private above = 0;
  private upTo = 0;
  private rows: readonly number[] = [];
  private rowIndex = 0;
  private leaf = NO_LEAF;
  private entry = 0;
  /** The fields hold an entry that `nextEntry` has not announced yet. */
  private isAhead = false;

  /** Chooses the window; `nextFamily` comes first. */
  reset(buffer: WriteBuffer, above: number, upTo: number): void {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.words = buffer.words;
    this.above = above;
    this.upTo = upTo;
    this.rows = familyRows(buffer.words);
    this.rowIndex = 0;
    this.leaf = NO_LEAF;
    this.isAhead = false;
    this.tombstones = NO_RANGES;
  }

  /** Goes to the next family that the window creates, drops or changes. */
  nextFamily(): boolean {
    while (this.rowIndex < this.rows.length) {
      if (this.enter(this.rows[this.rowIndex++])) return true;
    }
    this.leaf = NO_LEAF;
    this.isAhead = false;
    this.tombstones = NO_RANGES;
    return false;
  }

  /** The families that the buffer names, in the order in which it does for the first time. */
  familyIds(): number[] {
    return this.rows.map((row) => this.words[row + FAMILY_ID]);
  }

  /** Goes to this family; false when the window does nothing to it. */
  goTo(familyId: number): boolean {
    const row = this.rows.find((at) => this.words[at + FAMILY_ID] === familyId);
    return row !== undefined && this.enter(row);
  }

  /** Whether a range of the window and the current family has `key[at .. at + bytes)` in it. */
  clears(key: Uint8Array, at: number, bytes: number): boolean {
    if (this.tombstones.length === 0) return false;
    const { words, familyId, upTo } = this;
    return isCovered(this.bytes, words, familyId, key, at, bytes, OLDER_THAN_ALL, upTo);
  }

  /** Goes to the next entry of the family, in key order. */
  nextEntry(): boolean {
    if (this.isAhead) {
      this.isAhead = false;
      return true;
    }
    return this.advance();
  }

  private enter(row: number): boolean {
    const { words } = this;
    if (loadWideOwned(words, row + FAMILY_FIRST_SEQUENCE) > this.upTo) return false;
    if (loadWideOwned(words, row + FAMILY_LAST_SEQUENCE) <= this.above) return false;
    this.familyId = words[row + FAMILY_ID];
    this.slot = words[row + FAMILY_SLOT];
    this.isCreated = this.isInWindow(row + FAMILY_CREATED);
    this.isDropped = this.isInWindow(row + FAMILY_DROPPED);
    this.leaf = NO_LEAF;
    this.isAhead = false;
    this.tombstones = NO_RANGES;
    if (this.isDropped || this.buffer === undefined) return this.isDropped;
    this.tombstones = this.buffer.tombstones(this.familyId, this.above, this.upTo);
    this.leaf = words[row + FAMILY_FIRST_LEAF] << UNIT_WORD_SHIFT;
    this.entry = -1;
    this.isAhead = this.advance();
    return this.isAhead || this.isCreated || this.tombstones.length > 0;
  }

  private isInWindow(sequenceWord: number): boolean {
    const sequence = loadWideOwned(this.words, sequenceWord);
    return sequence > this.above && sequence <= this.upTo;
  }

  private advance(): boolean {
    const { words } = this;
    let { leaf } = this;
    let entry = this.entry + 1;
    while (leaf !== NO_LEAF) {
      const count = words[leaf + NODE_COUNT];
      if (entry === 0) touchKeyNodes(words, leaf, count);
      for (; entry < count; entry++) {
        if (entry % ENTRIES_TOUCHED === 0) touchEntries(words, leaf, entry, count);
        if (this.take(entryKey(words, leaf, LEAF_UNITS, entry))) {
          this.leaf = leaf;
          this.entry = entry;
          return true;
        }
      }
      leaf = words[leaf + NODE_NEXT] << UNIT_WORD_SHIFT;
      entry = 0;
    }
    this.leaf = NO_LEAF;
    return false;
  }

  /** Fills the fields from a key's newest version of the window; false when there is none. */
  private take(keyNode: number): boolean {
    const { words } = this;
    const version = visibleVersion(words, keyNode, this.upTo);
    if (version === NO_VERSION) return false;
    if (loadWideOwned(words, version + KEY_SEQUENCE) <= this.above) return false;
    const bytesKind = words[version + KEY_BYTES_KIND];
    const keyOffset = words[version + KEY_OFFSET];
    const keyBytes = bytesKind & KEY_BYTES_MASK;
    if (this.tombstones.length > 0 && this.isCovered(version, keyOffset, keyBytes)) return false;
    this.isDelete = bytesKind >>> KEY_KIND_SHIFT !== OperationKind.PUT;
    this.keyOffset = keyOffset;
    this.keyBytes = keyBytes;
    this.valueOffset = words[version + KEY_VALUE_OFFSET];
    this.valueBytes = words[version + KEY_VALUE_BYTES];
    return true;
  }

  private isCovered(version: number, keyOffset: number, keyBytes: number): boolean {
    const { bytes, words, familyId, upTo } = this;
    const ordinal = ordinalOf(words, version);
    return isCovered(bytes, words, familyId, bytes, keyOffset, keyBytes, ordinal, upTo);
  }
}

/**
 * Keys in order stand in any order in memory, and what the trees do with one takes so long that the
 * processor cannot run ahead to the next one: so the key nodes of a leaf are asked for at once.
 */
function touchKeyNodes(words: Int32Array, leaf: number, count: number): void {
  for (let entry = 0; entry < count; entry++) {
    const keyNode = entryKey(words, leaf, LEAF_UNITS, entry);
    touchLines(words, keyNode, keyNode + 1);
  }
}

/** Asks for the values of a few entries, and for the keys behind them. */
function touchEntries(words: Int32Array, leaf: number, first: number, count: number): void {
  const last = Math.min(first + ENTRIES_TOUCHED, count);
  for (let entry = first; entry < last; entry++) {
    const keyNode = entryKey(words, leaf, LEAF_UNITS, entry);
    const start = words[keyNode + KEY_VALUE_OFFSET] >> 2;
    const end = (words[keyNode + KEY_OFFSET] >> 2) + 1;
    touchLines(words, start, end - start > WORDS_AHEAD_MAX ? start + WORDS_AHEAD_MAX : end);
  }
}

/**
 * Ordered walk over one column family of one write buffer, as of a sequence. Any attached thread.
 * It shows every key of which the buffer knows something at that sequence, deleted ones included:
 * a merge with older generations and the tree needs them.
 *
 * Invariants
 * 1. The position (leaf and entry) and the fields of the current entry hold until the buffer is
 *    written to; afterwards the user seeks again by key. A seek takes in what was written before.
 * 2. After a failed seek or move there is no current entry, and moves fail.
 */
import { OperationKind } from '../format/operation.js';
import {
  FAMILY_FIRST_LEAF,
  FAMILY_LAST_LEAF,
  FAMILY_ROOT,
  KEY_BYTES_KIND,
  KEY_BYTES_MASK,
  KEY_KIND_SHIFT,
  KEY_OFFSET,
  KEY_VALUE_BYTES,
  KEY_VALUE_OFFSET,
  NO_UNIT,
  UNIT_WORD_SHIFT,
} from '../layout/write-buffer.js';
import { NO_FAMILY } from './families.js';
import {
  NODE_COUNT,
  NODE_NEXT,
  NODE_PREVIOUS,
  entryKey,
  searchNode,
  unitsAt,
} from './ordered-node.js';
import { leafForKey } from './ordered-search.js';
import { hasTombstones, isCovered } from './tombstones.js';
import { NO_VERSION, ordinalOf, visibleVersion } from './versions.js';
import type { WriteBuffer } from './write-buffer.js';

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Int32Array(0);
const LEAF_UNITS = unitsAt(0);
/** Word 0 is in the header, never a leaf. */
const NO_LEAF = 0;

export class BufferCursor {
  /** Current entry: offsets into the buffer's `bytes`. A deleted one has no value. */
  keyOffset = 0;
  keyBytes = 0;
  isDeleted = false;
  valueOffset = 0;
  valueBytes = 0;

  // Plain fields: every move touches them.
  private buffer: WriteBuffer | undefined = undefined;
  private bytes: Buffer = NO_BYTES;
  private words: Int32Array = NO_WORDS;
  private familyId = 0;
  private sequenceMax = 0;
  private mayBeCovered = false;
  private leaf = NO_LEAF;
  private entry = 0;

  /** Chooses what to walk over; there is no current entry before a seek. */
  reset(buffer: WriteBuffer, familyId: number, sequenceMax: number): void {
    this.buffer = buffer;
    this.bytes = buffer.bytes;
    this.words = buffer.words;
    this.familyId = familyId;
    this.sequenceMax = sequenceMax;
    this.leaf = NO_LEAF;
  }

  seekFirst(): boolean {
    const family = this.start();
    if (family === NO_FAMILY) return false;
    this.leaf = this.words[family + FAMILY_FIRST_LEAF] << UNIT_WORD_SHIFT;
    return this.forward(0);
  }

  seekLast(): boolean {
    const family = this.start();
    if (family === NO_FAMILY) return false;
    this.leaf = this.words[family + FAMILY_LAST_LEAF] << UNIT_WORD_SHIFT;
    return this.backward(this.words[this.leaf + NODE_COUNT] - 1);
  }

  /** First entry >= key, or > key when not `inclusive`. The key begins at offset 0 of `key`. */
  seekForward(key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    const family = this.start();
    if (family === NO_FAMILY) return false;
    const found = this.locate(family, key, keyBytes);
    if (found < 0) return this.forward(~found);
    return this.forward(inclusive ? found : found + 1);
  }

  /** Last entry <= key, or < key when not `inclusive`. */
  seekBackward(key: Uint8Array, keyBytes: number, inclusive: boolean): boolean {
    const family = this.start();
    if (family === NO_FAMILY) return false;
    const found = this.locate(family, key, keyBytes);
    if (found < 0) return this.backward(~found - 1);
    return this.backward(inclusive ? found : found - 1);
  }

  next(): boolean {
    return this.leaf !== NO_LEAF && this.forward(this.entry + 1);
  }

  prev(): boolean {
    return this.leaf !== NO_LEAF && this.backward(this.entry - 1);
  }

  /** Row of the family if it has keys. */
  private start(): number {
    this.leaf = NO_LEAF;
    const family = this.buffer === undefined ? NO_FAMILY : this.buffer.familyRow(this.familyId);
    if (family === NO_FAMILY || this.words[family + FAMILY_ROOT] === NO_UNIT) return NO_FAMILY;
    this.mayBeCovered = hasTombstones(this.words, this.familyId, this.sequenceMax);
    return family;
  }

  /** Goes to the leaf that the key is routed to; answers as `searchNode` there. */
  private locate(family: number, key: Uint8Array, keyBytes: number): number {
    const { bytes, words } = this;
    this.leaf = leafForKey(bytes, words, family, key, keyBytes);
    return searchNode(bytes, words, this.leaf, 0, key, 0, keyBytes);
  }

  /** Makes the first visible entry from `from` on the current one; `from` may be the leaf's end. */
  private forward(from: number): boolean {
    const { words } = this;
    let { leaf } = this;
    let entry = from;
    for (;;) {
      const count = words[leaf + NODE_COUNT];
      for (; entry < count; entry++) {
        if (this.take(entryKey(words, leaf, LEAF_UNITS, entry))) {
          this.leaf = leaf;
          this.entry = entry;
          return true;
        }
      }
      leaf = words[leaf + NODE_NEXT] << UNIT_WORD_SHIFT;
      if (leaf === NO_LEAF) break;
      entry = 0;
    }
    this.leaf = NO_LEAF;
    return false;
  }

  /** As `forward`, the other way; `from` may be before the leaf's first entry. */
  private backward(from: number): boolean {
    const { words } = this;
    let { leaf } = this;
    let entry = from;
    for (;;) {
      for (; entry >= 0; entry--) {
        if (this.take(entryKey(words, leaf, LEAF_UNITS, entry))) {
          this.leaf = leaf;
          this.entry = entry;
          return true;
        }
      }
      leaf = words[leaf + NODE_PREVIOUS] << UNIT_WORD_SHIFT;
      if (leaf === NO_LEAF) break;
      entry = words[leaf + NODE_COUNT] - 1;
    }
    this.leaf = NO_LEAF;
    return false;
  }

  /** Fills the fields from the visible version of a key; false when there is none. */
  private take(keyNode: number): boolean {
    const { words, sequenceMax } = this;
    const version = visibleVersion(words, keyNode, sequenceMax);
    if (version === NO_VERSION) return false;
    const bytesKind = words[version + KEY_BYTES_KIND];
    const keyOffset = words[version + KEY_OFFSET];
    const keyBytes = bytesKind & KEY_BYTES_MASK;
    this.keyOffset = keyOffset;
    this.keyBytes = keyBytes;
    this.valueOffset = words[version + KEY_VALUE_OFFSET];
    this.valueBytes = words[version + KEY_VALUE_BYTES];
    this.isDeleted =
      bytesKind >>> KEY_KIND_SHIFT !== OperationKind.PUT ||
      (this.mayBeCovered && this.isCovered(version, keyOffset, keyBytes));
    return true;
  }

  private isCovered(version: number, keyOffset: number, keyBytes: number): boolean {
    const { bytes, words, familyId, sequenceMax } = this;
    const ordinal = ordinalOf(words, version);
    return isCovered(bytes, words, familyId, bytes, keyOffset, keyBytes, ordinal, sequenceMax);
  }
}

/**
 * Writer of one tree inside one diff: put, delete, range delete. Used by the thread that builds the
 * diff, inside pager operations. After an exception in the middle of a change the diff is thrown
 * away, so nothing here undoes anything.
 *
 * Invariants
 * 1. The root is readable as a version only after `flush`: before, counts are behind.
 * 2. The writer's position survives from one pager operation to the next, because every page of
 *    its path is private to the diff and so stays in its frame (writer-path.ts); `reset` when
 *    that ends.
 */
import { assert } from '../assert.js';
import { NO_FRAME } from '../ids.js';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.js';
import type { Diff } from '../pages/diff.js';
import type { Pager } from '../pages/pager.js';
import { copyAligned, copyBytesToWords } from './copy-bytes.js';
import { cellBytes, damagedNode, insertSlot, removeSlots, writeTail } from './node-edit.js';
import {
  OVERFLOW_REFERENCE_BYTES,
  SLOTS_OFFSET,
  SLOT_BYTES,
  VALUE_OVERFLOW,
  VALUE_WORD_BYTES,
  WORD_COUNTS,
  WORD_GARBAGE,
  WORD_HEAP_TOP,
  align4,
  cellAt,
  inlineValueBytesMax,
  leafEntryBytesMax,
  prefixBytes,
  slotCount,
  slotWord,
  tailBytes,
} from './node-layout.js';
import { comparePrefix, compareSuffix, keyHead, searchLeaf } from './node-search.js';
import { REFERENCE_WORDS, releaseOverflow, writeOverflow } from './overflow-write.js';
import type { TreeRoot } from './tree-root.js';
import { isUnderfull, settle } from './writer-merge.js';
import { NO_POSITION, WriterPath } from './writer-path.js';
import { removeRange } from './writer-range.js';
import { makeLeafRoom } from './writer-split.js';

/** Answer of the look-up in the current leaf when the key belongs elsewhere. */
const ELSEWHERE = 0x40000000;
/** Steps of making room for one entry: a few per level of the tree. */
const ROOM_STEPS_MAX = 256;

export class TreeWriter {
  // Plain fields: the innermost loops read them.
  private readonly path: WriterPath;
  private readonly inlineBytesMax: number;
  private readonly entryBytesMax: number;
  private readonly reference = new Int32Array(REFERENCE_WORDS);
  private readonly referenceBytes = new Uint8Array(this.reference.buffer);
  /** The value source seen last, and its words once it has been seen twice. */
  private source: Uint8Array | undefined;
  private sourceWords: Int32Array | undefined;

  constructor(pager: Pager, diff: Diff, root: TreeRoot) {
    this.path = new WriterPath(pager, diff, root);
    this.inlineBytesMax = inlineValueBytesMax(pager.pageBytes);
    this.entryBytesMax = leafEntryBytesMax(pager.pageBytes);
  }

  /** The version built so far; valid after `flush`. */
  get root(): TreeRoot {
    return this.path.root;
  }

  /**
   * Sets the value of a key; both are copied before the call returns. A staging buffer that is used
   * again and again, with `valueOffset` a multiple of 4, is the fast case. True: the key is new.
   */
  put(
    key: Uint8Array,
    keyOffset: number,
    keyBytes: number,
    value: Uint8Array,
    valueOffset: number,
    valueBytes: number,
  ): boolean {
    const entryBytes =
      SLOT_BYTES + align4(VALUE_WORD_BYTES + valueBytes + tailBytes(keyBytes));
    if (valueBytes <= this.inlineBytesMax && entryBytes <= this.entryBytesMax) {
      assert(keyBytes <= KEY_BYTES_MAX, 'the key length is checked before');
      return this.store(key, keyOffset, keyBytes, valueBytes, value, valueOffset, valueBytes);
    }
    assert(keyBytes <= KEY_BYTES_MAX, 'the key length is checked before');
    assert(valueBytes <= VALUE_BYTES_MAX, 'the value length is checked before');
    const { pager, diff } = this.path;
    writeOverflow(pager, diff, value, valueOffset, valueBytes, this.reference);
    const word = VALUE_OVERFLOW | valueBytes;
    const source = this.referenceBytes;
    const isNew = this.store(key, keyOffset, keyBytes, word, source, 0, OVERFLOW_REFERENCE_BYTES);
    this.path.markOverflow();
    return isNew;
  }

  /** True when the key was there. */
  delete(key: Uint8Array, keyOffset: number, keyBytes: number): boolean {
    const path = this.path;
    let slot = this.searchHere(key, keyOffset, keyBytes);
    if (slot === ELSEWHERE) {
      path.leave();
      if (path.root.page === 0) return false;
      path.descend(key, keyOffset, keyBytes);
      slot = searchLeaf(path.leafU8, path.leafI32, path.leafBase, key, keyOffset, keyBytes);
      if (slot >= 0) path.makePrivate();
    }
    if (slot < 0) return false;
    this.removeEntry(slot);
    path.lastPosition = NO_POSITION;
    if (isUnderfull(path, path.leafI32, path.leafBase)) this.shrink();
    return true;
  }

  /** Removes the entries in [low, high), `undefined` being unbounded; returns how many. */
  deleteRange(low: Uint8Array | undefined, high: Uint8Array | undefined): number {
    return removeRange(this.path, low, high);
  }

  /** Brings the deferred counts up to date: afterwards `root` is readable as a version. */
  flush(): void {
    this.path.applyPending();
  }

  /** Forgets the position; due when frames of the diff may have moved out (spill, savepoint). */
  reset(): void {
    this.path.leave();
  }

  /** An underfull leaf is only worth a join when it has a neighbour or nothing in it. */
  private shrink(): void {
    const path = this.path;
    if (path.top === 0 && slotCount(path.leafI32, path.leafBase) > 0) return;
    settle(path);
  }

  /** Puts an entry whose value word is `word` and whose stored bytes are `source[from ..]`. */
  private store(
    key: Uint8Array,
    keyOffset: number,
    keyBytes: number,
    word: number,
    source: Uint8Array,
    from: number,
    bytes: number,
  ): boolean {
    const path = this.path;
    const payload = VALUE_WORD_BYTES + bytes;
    let isNew = true;
    for (let steps = 0; steps < ROOM_STEPS_MAX; steps++) {
      let slot = this.searchHere(key, keyOffset, keyBytes);
      if (slot === ELSEWHERE) slot = this.searchTree(key, keyOffset, keyBytes);
      const i32 = path.leafI32;
      const base = path.leafBase;
      if (slot >= 0) {
        const cell = this.replaceCell(slot, payload);
        if (cell === 0) {
          // No place for the longer value: it comes in as a new entry.
          this.removeEntry(slot);
          isNew = false;
          continue;
        }
        this.fillCell(cell, key, keyOffset, keyBytes, word, source, from, bytes);
        return false;
      }
      const position = ~slot;
      const counts = i32[(base >> 2) + WORD_COUNTS]!;
      const count = counts & 0xffff;
      const prefix = counts >>> 16;
      const cellSize = align4(payload + tailBytes(keyBytes - prefix));
      const offset = i32[(base >> 2) + WORD_HEAP_TOP]! - cellSize;
      // Only at the ends of a leaf can a key that is routed to it lack its prefix.
      const atEnd = position === 0 || position === count;
      if (
        offset < SLOTS_OFFSET + (count + 1) * SLOT_BYTES ||
        (atEnd && comparePrefix(path.leafU8, i32, base, key, keyOffset, keyBytes) !== 0)
      ) {
        makeLeafRoom(path, position, payload, key, keyOffset, keyBytes);
        continue;
      }
      i32[(base >> 2) + WORD_HEAP_TOP] = offset;
      this.fillCell(base + offset, key, keyOffset, keyBytes, word, source, from, bytes);
      const head = keyHead(key, keyOffset + prefix, keyBytes - prefix);
      insertSlot(i32, base, position, head, offset, keyBytes - prefix);
      path.pending++;
      path.lastPosition = position;
      return isNew;
    }
    throw damagedNode();
  }

  /** Writes value word, value and key tail of the current leaf's cell at absolute offset `cell`. */
  private fillCell(
    cell: number,
    key: Uint8Array,
    keyOffset: number,
    keyBytes: number,
    word: number,
    source: Uint8Array,
    from: number,
    bytes: number,
  ): void {
    const path = this.path;
    const u8 = path.leafU8;
    const i32 = path.leafI32;
    const to = cell + VALUE_WORD_BYTES;
    i32[cell >> 2] = word;
    if (source !== this.source) {
      this.source = source;
      this.sourceWords = undefined;
    } else if (this.sourceWords === undefined) {
      this.sourceWords = wordsOf(source);
    }
    const words = this.sourceWords;
    if (words !== undefined && words.length > 0 && (from & 3) === 0) {
      copyAligned(u8, i32, to, source, words, from, bytes);
    } else {
      copyBytesToWords(u8, i32, to, source, from, bytes);
    }
    const prefix = prefixBytes(i32, path.leafBase);
    writeTail(u8, to + bytes, key, keyOffset + prefix, keyBytes - prefix);
  }

  /**
   * A cell (absolute offset) for the slot's new payload: the old one when it is large enough, else
   * one from the gap; 0 when the gap is too small. The old overflow value is released.
   */
  private replaceCell(slot: number, payload: number): number {
    const path = this.path;
    const { leafI32: i32, leafBase: base } = path;
    const cell = cellAt(i32, base, slot);
    const at = slotWord(base, slot) + 1;
    const suffix = i32[at]! >>> 16;
    const oldBytes = cellBytes(i32, base, slot, true);
    const newBytes = align4(payload + tailBytes(suffix));
    const word = base >> 2;
    const top = i32[word + WORD_HEAP_TOP]!;
    if (oldBytes <= 0 || cell - base + oldBytes > path.pager.pageBytes) throw damagedNode();
    if (newBytes > oldBytes) {
      const offset = top - newBytes;
      if (offset < SLOTS_OFFSET + slotCount(i32, base) * SLOT_BYTES) return 0;
      this.releaseValue(cell);
      i32[word + WORD_HEAP_TOP] = offset;
      i32[word + WORD_GARBAGE] = i32[word + WORD_GARBAGE]! + oldBytes;
      i32[at] = (offset >> 2) | (suffix << 16);
      return base + offset;
    }
    this.releaseValue(cell);
    i32[word + WORD_GARBAGE] = i32[word + WORD_GARBAGE]! + oldBytes - newBytes;
    return cell;
  }

  private removeEntry(slot: number): void {
    const path = this.path;
    const { leafI32: i32, leafBase: base } = path;
    this.releaseValue(cellAt(i32, base, slot));
    removeSlots(i32, base, slot, slot + 1, true);
    path.pending--;
  }

  private releaseValue(cell: number): void {
    const { pager, diff, leafI32: i32 } = this.path;
    if (i32[cell >> 2]! < 0) releaseOverflow(pager, diff, i32, (cell >> 2) + 1);
  }

  /**
   * Looks the key up in the leaf that the writer stands on, ends first: ascending and descending
   * insertions need no search, and a key between two of the leaf's own belongs to it.
   */
  private searchHere(key: Uint8Array, at: number, bytes: number): number {
    const path = this.path;
    if (path.leafFrame === NO_FRAME) return ELSEWHERE;
    const u8 = path.leafU8;
    const i32 = path.leafI32;
    const base = path.leafBase;
    const counts = i32[(base >> 2) + WORD_COUNTS]!;
    const last = (counts & 0xffff) - 1;
    if (last < 0 || comparePrefix(u8, i32, base, key, at, bytes) !== 0) return ELSEWHERE;
    const prefix = counts >>> 16;
    const order = compareSuffix(u8, i32, base, last, 0, key, at + prefix, bytes - prefix);
    if (order > 0) return path.belowUpperFence(key, at, bytes) ? ~(last + 1) : ELSEWHERE;
    if (order === 0) return last;
    if (compareSuffix(u8, i32, base, 0, 0, key, at + prefix, bytes - prefix) >= 0) {
      return searchLeaf(u8, i32, base, key, at, bytes);
    }
    return path.aboveLowerFence(key, at, bytes) ? ~0 : ELSEWHERE;
  }

  /** Moves to the leaf that the key is routed to and looks it up there. */
  private searchTree(key: Uint8Array, at: number, bytes: number): number {
    const path = this.path;
    path.leave();
    if (path.root.page === 0) path.plant();
    path.descend(key, at, bytes);
    path.makePrivate();
    return searchLeaf(path.leafU8, path.leafI32, path.leafBase, key, at, bytes);
  }
}

const NO_WORDS = new Int32Array(0);

/** The bytes as words when they are aligned, else an empty view. */
function wordsOf(bytes: Uint8Array): Int32Array {
  if ((bytes.byteOffset & 3) !== 0) return NO_WORDS;
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

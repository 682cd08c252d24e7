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
import {
  cellBytes,
  damagedNode,
  dropCell,
  insertSlot,
  removeSlots,
  takeCell,
  writeTail,
} from './node-edit.js';
import {
  HEAD_BYTES,
  LEAF_TAIL,
  OVERFLOW_REFERENCE_BYTES,
  SLOT_BYTES,
  SLOT_WORDS,
  VALUE_OVERFLOW,
  WORD_COUNTS,
  WORD_GARBAGE,
  WORD_HEAP_TOP,
  WORD_PREFIX,
  gapBytes,
  inlineValueBytesMax,
  leafCellBytes,
  leafEntryBytesMax,
  prefixBytes,
  slotCount,
  slotWord,
  slotsOffset,
  valueAt,
} from './node-layout.js';
import { comparePrefix, compareSuffix, keyHead, searchLeaf } from './node-search.js';
import { REFERENCE_WORDS, releaseValue, writeOverflow } from './overflow-write.js';
import type { TreeRoot } from './tree-root.js';
import { isUnderfull, settle } from './writer-merge.js';
import { NO_POSITION, OPEN_FENCE, WriterPath } from './writer-path.js';
import { removeRange } from './writer-range.js';
import { makeLeafRoom } from './writer-split.js';

/** Answer of the look-up in the current leaf when the key belongs elsewhere. */
const ELSEWHERE = 0x40000000;
/** Steps of making room for one entry: a few per level of the tree. */
const ROOM_STEPS_MAX = 256;

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
/** Overflow reference on its way into a leaf; one per thread, used within one put. */
const reference = new Int32Array(REFERENCE_WORDS);
const referenceBytes = new Uint8Array(reference.buffer);

export class TreeWriter {
  // Plain fields: the innermost loops read them.
  private readonly path: WriterPath;
  private readonly inlineBytesMax: number;
  private readonly entryBytesMax: number;
  /** The value source seen last, and its words once it has been seen twice. */
  private source: Uint8Array = NO_BYTES;
  private sourceSeen = false;
  private sourceWords: Int32Array = NO_WORDS;

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
    const entryBytes = SLOT_BYTES + leafCellBytes(valueBytes, keyBytes);
    if (valueBytes <= this.inlineBytesMax && entryBytes <= this.entryBytesMax) {
      assert(keyBytes <= KEY_BYTES_MAX, 'the key length is checked before');
      if (this.append(key, keyOffset, keyBytes, value, valueOffset, valueBytes)) return true;
      return this.store(key, keyOffset, keyBytes, valueBytes, value, valueOffset, valueBytes);
    }
    assert(keyBytes <= KEY_BYTES_MAX, 'the key length is checked before');
    assert(valueBytes <= VALUE_BYTES_MAX, 'the value length is checked before');
    const { pager, diff } = this.path;
    writeOverflow(pager, diff, value, valueOffset, valueBytes, reference);
    const word = VALUE_OVERFLOW | valueBytes;
    const bytes = OVERFLOW_REFERENCE_BYTES;
    const isNew = this.store(key, keyOffset, keyBytes, word, referenceBytes, 0, bytes);
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

  /**
   * The whole of an ascending insertion into the last leaf: behind its last key, with room at hand.
   * False: it is not one, nothing was done.
   */
  private append(
    key: Uint8Array,
    keyOffset: number,
    keyBytes: number,
    value: Uint8Array,
    valueOffset: number,
    valueBytes: number,
  ): boolean {
    const path = this.path;
    if (path.leafFrame === NO_FRAME || path.upperLevel !== OPEN_FENCE) return false;
    const u8 = path.leafU8;
    const i32 = path.leafI32;
    const base = path.leafBase;
    const header = base >> 2;
    const counts = i32[header + WORD_COUNTS]!;
    const count = counts & 0xffff;
    if (count === 0 || comparePrefix(u8, i32, base, key, keyOffset, keyBytes) !== 0) return false;
    const prefix = counts >>> 16;
    const at = keyOffset + prefix;
    const suffix = keyBytes - prefix;
    const head = keyHead(key, at, suffix);
    const slot = header + WORD_PREFIX + ((prefix + 3) >> 2) + count * SLOT_WORDS;
    const lastHead = i32[slot - SLOT_WORDS]!;
    if (head < lastHead) return false;
    if (head === lastHead) {
      const last = count - 1;
      if (compareSuffix(u8, i32, base, last, LEAF_TAIL, key, at, suffix) <= 0) return false;
    }
    const offset = i32[header + WORD_HEAP_TOP]! - leafCellBytes(valueBytes, suffix);
    const cell = base + offset;
    if (cell < (slot + SLOT_WORDS) << 2) return false;
    i32[header + WORD_HEAP_TOP] = offset;
    i32[header + WORD_COUNTS] = counts + 1;
    i32[slot] = head;
    i32[slot + 1] = (offset >> 2) | (suffix << 16);
    i32[cell >> 2] = valueBytes;
    if (suffix > HEAD_BYTES) writeTail(u8, cell + LEAF_TAIL, key, at, suffix);
    this.copyValue(valueAt(cell, suffix), value, valueOffset, valueBytes);
    path.pending++;
    path.lastPosition = count;
    return true;
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
    let isNew = true;
    for (let steps = 0; steps < ROOM_STEPS_MAX; steps++) {
      let slot = this.searchHere(key, keyOffset, keyBytes);
      const moved = slot === ELSEWHERE;
      if (moved) slot = this.searchTree(key, keyOffset, keyBytes);
      const i32 = path.leafI32;
      const base = path.leafBase;
      if (slot >= 0) {
        const cell = this.replaceCell(slot, bytes);
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
      const suffix = keyBytes - prefix;
      const offset = i32[(base >> 2) + WORD_HEAP_TOP]! - leafCellBytes(bytes, suffix);
      // A key that was routed to the leaf may lack its prefix: then it belongs to one of the ends.
      const unsure = moved && (position === 0 || position === count);
      if (
        offset < slotsOffset(prefix) + (count + 1) * SLOT_BYTES ||
        (unsure && comparePrefix(path.leafU8, i32, base, key, keyOffset, keyBytes) !== 0)
      ) {
        makeLeafRoom(path, position, bytes, key, keyOffset, keyBytes);
        continue;
      }
      i32[(base >> 2) + WORD_HEAP_TOP] = offset;
      this.fillCell(base + offset, key, keyOffset, keyBytes, word, source, from, bytes);
      const head = keyHead(key, keyOffset + prefix, suffix);
      insertSlot(i32, base, position, head, offset, suffix);
      path.pending++;
      path.lastPosition = position;
      return isNew;
    }
    throw damagedNode(path.leafI32, path.leafBase);
  }

  /** Writes value word, key tail and value of the current leaf's cell at absolute offset `cell`. */
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
    const prefix = prefixBytes(i32, path.leafBase);
    const suffix = keyBytes - prefix;
    const to = valueAt(cell, suffix);
    i32[cell >> 2] = word;
    writeTail(u8, cell + LEAF_TAIL, key, keyOffset + prefix, suffix);
    this.copyValue(to, source, from, bytes);
  }

  /** Copies `source[from ..]` to the absolute offset `to` of the current leaf's region. */
  private copyValue(to: number, source: Uint8Array, from: number, bytes: number): void {
    const { leafU8: u8, leafI32: i32 } = this.path;
    if (source !== this.source) {
      this.source = source;
      this.sourceWords = NO_WORDS;
      this.sourceSeen = false;
    } else if (!this.sourceSeen) {
      this.sourceSeen = true;
      this.sourceWords = wordsOf(source);
    }
    const words = this.sourceWords;
    if (words.length > 0 && (from & 3) === 0) {
      copyAligned(u8, i32, to, source, words, from, bytes);
    } else {
      copyBytesToWords(u8, i32, to, source, from, bytes);
    }
  }

  /**
   * A cell (absolute offset) for the slot's new payload: the old one when it is large enough, else
   * one from the gap; 0 when the gap is too small. The old overflow value is released.
   */
  private replaceCell(slot: number, stored: number): number {
    const { pager, diff, leafI32: i32, leafBase: base } = this.path;
    const at = slotWord(i32, base, slot) + 1;
    const suffix = i32[at]! >>> 16;
    const oldOffset = (i32[at]! & 0xffff) << 2;
    const oldBytes = cellBytes(i32, base, slot, true);
    const newBytes = leafCellBytes(stored, suffix);
    if (oldBytes <= 0 || oldOffset + oldBytes > pager.pageBytes) throw damagedNode(i32, base);
    const word = base >> 2;
    if (newBytes <= oldBytes) {
      releaseValue(pager, diff, i32, base, slot);
      i32[word + WORD_GARBAGE] = i32[word + WORD_GARBAGE]! + oldBytes - newBytes;
      return base + oldOffset;
    }
    if (gapBytes(i32, base) < newBytes) return 0;
    releaseValue(pager, diff, i32, base, slot);
    dropCell(i32, base, oldOffset, oldBytes);
    const offset = takeCell(i32, base, newBytes);
    i32[at] = (offset >> 2) | (suffix << 16);
    return base + offset;
  }

  private removeEntry(slot: number): void {
    const path = this.path;
    const { leafI32: i32, leafBase: base } = path;
    releaseValue(path.pager, path.diff, i32, base, slot);
    removeSlots(i32, base, slot, slot + 1, true);
    path.pending--;
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
    const order = compareSuffix(u8, i32, base, last, LEAF_TAIL, key, at + prefix, bytes - prefix);
    if (order > 0) return path.belowUpperFence(key, at, bytes) ? ~(last + 1) : ELSEWHERE;
    if (order === 0) return last;
    if (compareSuffix(u8, i32, base, 0, LEAF_TAIL, key, at + prefix, bytes - prefix) >= 0) {
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

/** The bytes as words when they are aligned, else an empty view. */
function wordsOf(bytes: Uint8Array): Int32Array {
  if ((bytes.byteOffset & 3) !== 0) return NO_WORDS;
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

/**
 * Building nodes out of others: the whole of compaction, splits and merges. A node that is rebuilt
 * in place goes through the staging buffer of its thread, which is also where two nodes meet.
 */
import { assert } from '../assert.js';
import { KEY_BYTES_MAX } from '../limits.js';
import { copyBytes, copyWords } from './copy-bytes.js';
import { damagedNode, initNode, insertSlot, takeCell, writeTail } from './node-edit.js';
import {
  BRANCH_TAIL,
  HEAD_BIAS,
  LEAF_TAIL,
  PREFIX_OFFSET,
  SLOT_BYTES,
  SLOT_WORDS,
  WORD_COUNTS,
  WORD_HEAP_TOP,
  align4,
  cellBytesAs,
  gapBytes,
  nodeFlags,
  prefixBytes,
  slotCount,
  slotWord,
  storedBytes,
  valueAt,
} from './node-layout.js';
import { copySuffix } from './node-read.js';
import { keyHead } from './node-search.js';

/** A private node of up to two pages. */
export interface Staging {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly bytes: number;
}

/** Module state is per thread, and nothing here is re-entrant. */
const rebuildStagings = new Map<number, Staging>();
const joinStagings = new Map<number, Staging>();
const suffixScratch = new Uint8Array(2 * KEY_BYTES_MAX);
const prefixScratch = new Uint8Array(KEY_BYTES_MAX);

function stagingOf(stagings: Map<number, Staging>, bytes: number): Staging {
  let staging = stagings.get(bytes);
  if (staging === undefined) {
    const buffer = new ArrayBuffer(bytes);
    staging = { u8: new Uint8Array(buffer), i32: new Int32Array(buffer), bytes };
    stagings.set(bytes, staging);
  }
  return staging;
}

/** Where two neighbours meet: two pages, not touched by rebuilding a third node meanwhile. */
export function joinStaging(pageBytes: number): Staging {
  return stagingOf(joinStagings, 2 * pageBytes);
}

/**
 * Appends slots `from .. to` of one node to another of the same kind, which may have another
 * prefix (that all of these keys share). The first entry of a branch loses its key.
 */
export function appendEntries(
  source: Uint8Array,
  source32: Int32Array,
  sourceBase: number,
  from: number,
  to: number,
  target: Uint8Array,
  target32: Int32Array,
  targetBase: number,
  leaf: boolean,
): void {
  const longer = prefixBytes(target32, targetBase) - prefixBytes(source32, sourceBase);
  let slot = from;
  if (!leaf && slot < to && slotCount(target32, targetBase) === 0) {
    appendFirstChild(source32, sourceBase, slot, target32, targetBase);
    slot++;
  }
  if (longer !== 0) {
    for (; slot < to; slot++) {
      appendRecut(source, source32, sourceBase, slot, target, target32, targetBase, leaf, longer);
    }
    return;
  }
  const targetWord = targetBase >> 2;
  const start = slotCount(target32, targetBase);
  let heapTop = target32[targetWord + WORD_HEAP_TOP]!;
  let write = slotWord(target32, targetBase, start);
  const added = to - slot;
  const slotsEnd = heapTop - gapBytes(target32, targetBase) + added * SLOT_BYTES;
  let read = slotWord(source32, sourceBase, slot);
  for (; slot < to; slot++) {
    const location = source32[read + 1]!;
    const cell = sourceBase + ((location & 0xffff) << 2);
    const bytes = cellBytesAs(source32, cell, leaf, location >>> 16);
    heapTop -= bytes;
    if (bytes <= 0 || heapTop < slotsEnd) throw damagedNode(source32, sourceBase);
    copyWords(target32, targetWord + (heapTop >> 2), source32, cell >> 2, bytes >> 2);
    target32[write] = source32[read]!;
    target32[write + 1] = (heapTop >> 2) | (location & ~0xffff);
    write += SLOT_WORDS;
    read += SLOT_WORDS;
  }
  target32[targetWord + WORD_HEAP_TOP] = heapTop;
  target32[targetWord + WORD_COUNTS] = target32[targetWord + WORD_COUNTS]! + added;
}

function appendFirstChild(
  source32: Int32Array,
  sourceBase: number,
  slot: number,
  target32: Int32Array,
  targetBase: number,
): void {
  const cell = sourceBase + ((source32[slotWord(source32, sourceBase, slot) + 1]! & 0xffff) << 2);
  const offset = takeCell(target32, targetBase, BRANCH_TAIL);
  copyWords(target32, (targetBase + offset) >> 2, source32, cell >> 2, BRANCH_TAIL >> 2);
  insertSlot(target32, targetBase, 0, HEAD_BIAS, offset, 0);
}

/** Appends one entry whose key is cut elsewhere because the prefixes differ. */
function appendRecut(
  source: Uint8Array,
  source32: Int32Array,
  sourceBase: number,
  slot: number,
  target: Uint8Array,
  target32: Int32Array,
  targetBase: number,
  leaf: boolean,
  longer: number,
): void {
  let suffix: number;
  let at = 0;
  if (longer > 0) {
    suffix = copySuffix(source, source32, sourceBase, slot, leaf, suffixScratch, 0) - longer;
    at = longer;
  } else {
    const rest = prefixBytes(target32, targetBase);
    copyBytes(suffixScratch, 0, source, sourceBase + PREFIX_OFFSET + rest, -longer);
    suffix = copySuffix(source, source32, sourceBase, slot, leaf, suffixScratch, -longer) - longer;
  }
  const location = source32[slotWord(source32, sourceBase, slot) + 1]!;
  const cell = sourceBase + ((location & 0xffff) << 2);
  const oldSuffix = location >>> 16;
  appendEntry(
    target,
    target32,
    targetBase,
    leaf,
    suffixScratch,
    at,
    suffix,
    source32,
    cell,
    oldSuffix,
  );
}

/**
 * Appends an entry with the key suffix `key[at .. at + suffix)` and the value or child of the cell
 * at `cell`, whose own suffix has `oldSuffix` bytes.
 */
export function appendEntry(
  target: Uint8Array,
  target32: Int32Array,
  targetBase: number,
  leaf: boolean,
  key: Uint8Array,
  at: number,
  suffix: number,
  source32: Int32Array,
  cell: number,
  oldSuffix: number,
): void {
  const bytes = cellBytesAs(source32, cell, leaf, suffix);
  if (suffix < 0 || bytes <= 0 || gapBytes(target32, targetBase) < bytes + SLOT_BYTES) {
    throw damagedNode(target32, targetBase);
  }
  const offset = takeCell(target32, targetBase, bytes);
  const to = targetBase + offset;
  const tailAt = leaf ? LEAF_TAIL : BRANCH_TAIL;
  copyWords(target32, to >> 2, source32, cell >> 2, tailAt >> 2);
  writeTail(target, to + tailAt, key, at, suffix);
  if (leaf) {
    const words = align4(storedBytes(source32[cell >> 2]!)) >> 2;
    copyWords(target32, valueAt(to, suffix) >> 2, source32, valueAt(cell, oldSuffix) >> 2, words);
  }
  const count = slotCount(target32, targetBase);
  insertSlot(target32, targetBase, count, keyHead(key, at, suffix), offset, suffix);
}

/**
 * Rebuilds a node in place from its slots `from .. to`, without garbage, with the prefix
 * `prefix[0 .. prefixLength)`.
 */
export function rebuildNode(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  pageBytes: number,
  leaf: boolean,
  from: number,
  to: number,
  prefix: Uint8Array,
  prefixLength: number,
): void {
  const staging = stagingOf(rebuildStagings, pageBytes);
  const flags = nodeFlags(i32, base);
  initNode(staging.u8, staging.i32, 0, pageBytes, prefix, prefixLength, flags);
  appendEntries(u8, i32, base, from, to, staging.u8, staging.i32, 0, leaf);
  unstage(staging, u8, i32, base, pageBytes);
}

/** Copies the node in the staging buffer, built for one page, over the node at `base`. */
export function unstage(
  staging: Staging,
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  pageBytes: number,
): void {
  const heapTop = staging.i32[WORD_HEAP_TOP]!;
  const words = slotWord(staging.i32, 0, slotCount(staging.i32, 0)) - WORD_COUNTS;
  assert((WORD_COUNTS + words) * 4 <= heapTop, 'the staged node fits its page');
  copyWords(i32, (base >> 2) + WORD_COUNTS, staging.i32, WORD_COUNTS, words);
  copyBytes(u8, base + heapTop, staging.u8, heapTop, pageBytes - heapTop);
}

/** Rebuilds a node with the prefix it has, to turn garbage into room. */
export function compactNode(
  u8: Uint8Array,
  i32: Int32Array,
  base: number,
  pageBytes: number,
  leaf: boolean,
): void {
  const prefix = prefixBytes(i32, base);
  copyBytes(prefixScratch, 0, u8, base + PREFIX_OFFSET, prefix);
  const count = slotCount(i32, base);
  rebuildNode(u8, i32, base, pageBytes, leaf, 0, count, prefixScratch, prefix);
}

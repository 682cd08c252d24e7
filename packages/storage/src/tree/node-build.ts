/**
 * Building nodes out of others: the whole of compaction, splits and merges. A node that is rebuilt
 * in place goes through the staging buffer of its thread, which is also where two nodes meet.
 */
import { assert } from '../assert.js';
import { KEY_BYTES_MAX } from '../limits.js';
import { copyBytes, copyWords } from './copy-bytes.js';
import { damagedNode, initNode, insertSlot, takeCell, writeTail } from './node-edit.js';
import {
  BRANCH_CELL_BYTES,
  HEAD_BIAS,
  SLOT_WORDS,
  SLOTS_OFFSET,
  SLOT_BYTES,
  WORD_COUNTS,
  WORD_HEAP_TOP,
  WORD_SLOTS,
  align4,
  nodeFlags,
  payloadBytes,
  prefixAt,
  prefixBytes,
  slotCount,
  slotWord,
  tailBytes,
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
  let write = targetWord + WORD_SLOTS + start * SLOT_WORDS;
  const gapEnd = SLOTS_OFFSET + (start + to - slot) * SLOT_BYTES;
  const added = to - slot;
  for (; slot < to; slot++) {
    const read = slotWord(sourceBase, slot);
    const location = source32[read + 1]!;
    const cell = sourceBase + ((location & 0xffff) << 2);
    const bytes = align4(payloadBytes(source32, cell, leaf) + tailBytes(location >>> 16));
    heapTop -= bytes;
    if (bytes <= 0 || heapTop < gapEnd) throw damagedNode();
    copyWords(target32, targetWord + (heapTop >> 2), source32, cell >> 2, bytes >> 2);
    target32[write] = source32[read]!;
    target32[write + 1] = (heapTop >> 2) | (location & ~0xffff);
    write += SLOT_WORDS;
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
  const cell = sourceBase + ((source32[slotWord(sourceBase, slot) + 1]! & 0xffff) << 2);
  const offset = takeCell(target32, targetBase, BRANCH_CELL_BYTES);
  copyWords(target32, (targetBase + offset) >> 2, source32, cell >> 2, BRANCH_CELL_BYTES >> 2);
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
    copyBytes(suffixScratch, 0, source, prefixAt(source32, sourceBase) + rest, -longer);
    suffix = copySuffix(source, source32, sourceBase, slot, leaf, suffixScratch, -longer) - longer;
  }
  const cell = sourceBase + ((source32[slotWord(sourceBase, slot) + 1]! & 0xffff) << 2);
  appendEntry(
    target,
    target32,
    targetBase,
    suffixScratch,
    at,
    suffix,
    source32,
    cell,
    payloadBytes(source32, cell, leaf),
  );
}

/** Appends an entry with the payload of `cell` and the key suffix `key[at .. at + suffix)`. */
export function appendEntry(
  target: Uint8Array,
  target32: Int32Array,
  targetBase: number,
  key: Uint8Array,
  at: number,
  suffix: number,
  source32: Int32Array,
  cell: number,
  payload: number,
): void {
  const count = slotCount(target32, targetBase);
  const bytes = align4(payload + tailBytes(suffix));
  if (suffix < 0 || bytes <= 0) throw damagedNode();
  const offset = takeCell(target32, targetBase, bytes);
  if (offset < SLOTS_OFFSET + (count + 1) * SLOT_BYTES) throw damagedNode();
  // Whole words: up to 3 bytes behind the payload are copied too, and then overwritten.
  copyWords(target32, (targetBase + offset) >> 2, source32, cell >> 2, (payload + 3) >> 2);
  writeTail(target, targetBase + offset + payload, key, at, suffix);
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
  const words = WORD_SLOTS - WORD_COUNTS + slotCount(staging.i32, 0) * SLOT_WORDS;
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
  copyBytes(prefixScratch, 0, u8, prefixAt(i32, base), prefix);
  const count = slotCount(i32, base);
  rebuildNode(u8, i32, base, pageBytes, leaf, 0, count, prefixScratch, prefix);
}

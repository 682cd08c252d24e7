/**
 * What `tree/node-layout.ts` promises of one leaf or branch, checked on the bytes of the page
 * alone. Any thread. Independent of the code that builds nodes and of the page manager.
 */
import { KEY_BYTES_MAX } from '../limits.js';
import {
  BRANCH_TAIL,
  HEAD_BIAS,
  HEAD_BYTES,
  LEAF_TAIL,
  LEVELS_MAX,
  SLOT_BYTES,
  WORD_BIRTH_HIGH_KIND_LEVEL,
  WORD_GARBAGE,
  WORD_HEAP_TOP,
  cellAt,
  cellBytesAs,
  gapBytes,
  heapEnd,
  nodeKindLevel,
  nodeLevel,
  prefixBytes,
  slotCount,
  slotWord,
  suffixBytes,
} from '../tree/node-layout.js';
import { copyKey } from '../tree/node-read.js';
import type { PageBuffer } from './page-source.js';

/** Every key of a node is >= low and < high. */
export interface KeyBounds {
  readonly low: Uint8Array | undefined;
  readonly high: Uint8Array | undefined;
}

/** The page starts at byte 0 of its buffer. */
const BASE = 0;
/** Holds two page offsets in one number, so that spans sort as plain numbers. */
const SPAN_BASE = 2 ** 17;

/** Level that the page claims; `undefined` when no tree is that high. */
export function claimedLevel({ i32 }: PageBuffer): number | undefined {
  const level = nodeLevel(i32, BASE);
  return level < LEVELS_MAX ? level : undefined;
}

export class NodeChecker {
  readonly #pageBytes: number;
  readonly #spans: Float64Array;
  #key = new Uint8Array(2 * KEY_BYTES_MAX);
  #keyBefore = new Uint8Array(2 * KEY_BYTES_MAX);

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
    this.#spans = new Float64Array(Math.ceil(pageBytes / SLOT_BYTES));
  }

  /** The first thing wrong with a node of this level, or `undefined`. */
  problem(node: PageBuffer, level: number, bounds: KeyBounds): string | undefined {
    return (
      this.#headerProblem(node, level) ??
      this.#heapProblem(node, level) ??
      this.#headsProblem(node) ??
      this.#keysProblem(node, level, bounds)
    );
  }

  #headerProblem({ i32 }: PageBuffer, level: number): string | undefined {
    if (i32[WORD_BIRTH_HIGH_KIND_LEVEL]! >>> 16 !== nodeKindLevel(level)) {
      return `not a tree page of level ${level}`;
    }
    if (slotCount(i32, BASE) === 0) return 'an empty node';
    if (prefixBytes(i32, BASE) > KEY_BYTES_MAX) return 'its prefix is too long';
    const end = heapEnd(i32, BASE);
    if (end > this.#pageBytes || i32[WORD_HEAP_TOP]! > end) return 'its heap leaves the page';
    if (gapBytes(i32, BASE) < 0) return 'its slots and its heap overlap';
    return undefined;
  }

  /** Cells lie inside the heap, do not overlap, and make it up together with the garbage. */
  #heapProblem({ i32 }: PageBuffer, level: number): string | undefined {
    const heapTop = i32[WORD_HEAP_TOP]!;
    const end = heapEnd(i32, BASE);
    const prefix = prefixBytes(i32, BASE);
    const count = slotCount(i32, BASE);
    const isLeaf = level === 0;
    const leastBytes = isLeaf ? LEAF_TAIL : BRANCH_TAIL;
    let live = 0;
    for (let slot = 0; slot < count; slot++) {
      const from = cellAt(i32, BASE, slot);
      if (from < heapTop || from + leastBytes > end) {
        return `the cell of slot ${slot} is outside`;
      }
      const suffix = suffixBytes(i32, BASE, slot);
      if (prefix + suffix > KEY_BYTES_MAX) return `the key of slot ${slot} is too long`;
      const bytes = cellBytesAs(i32, from, isLeaf, suffix);
      if (bytes < leastBytes || from + bytes > end) {
        return `the cell of slot ${slot} leaves the page`;
      }
      this.#spans[slot] = from * SPAN_BASE + (from + bytes);
      live += bytes;
    }
    const spans = this.#spans.subarray(0, count).sort();
    for (let i = 1; i < count; i++) {
      if (Math.floor(spans[i]! / SPAN_BASE) < spans[i - 1]! % SPAN_BASE) return 'its cells overlap';
    }
    if (live + i32[WORD_GARBAGE]! !== end - heapTop) return 'its heap does not add up';
    return undefined;
  }

  /** Heads of short suffixes are padded with zeros. */
  #headsProblem({ i32 }: PageBuffer): string | undefined {
    const count = slotCount(i32, BASE);
    for (let slot = 0; slot < count; slot++) {
      const suffix = suffixBytes(i32, BASE, slot);
      if (suffix >= HEAD_BYTES) continue;
      const head = i32[slotWord(i32, BASE, slot)]! ^ HEAD_BIAS;
      const padding = suffix === 0 ? head : head << (8 * suffix);
      if (padding !== 0) return `the head of slot ${slot} is damaged`;
    }
    return undefined;
  }

  /** Whole keys in order, inside the bounds. */
  #keysProblem(node: PageBuffer, level: number, { low, high }: KeyBounds): string | undefined {
    const { u8, i32 } = node;
    const count = slotCount(i32, BASE);
    const isLeaf = level === 0;
    // Slot 0 of a branch has no key; the keys behind it are above the lower fence, strictly.
    if (!isLeaf && suffixBytes(i32, BASE, 0) !== 0) return 'a key in its first slot';
    let bytesBefore = 0;
    for (let slot = isLeaf ? 0 : 1; slot < count; slot++) {
      const bytes = copyKey(u8, i32, BASE, slot, isLeaf, this.#key, 0);
      const isFirst = slot === (isLeaf ? 0 : 1);
      const order = isFirst
        ? orderAtFence(this.#key, bytes, low)
        : compare(this.#key, bytes, this.#keyBefore, bytesBefore);
      // The first key of a leaf may equal its lower fence; every other order is strict.
      if (order < 0 || (order === 0 && !(isFirst && isLeaf))) {
        return `the key of slot ${slot} is out of order`;
      }
      if (high !== undefined && compare(this.#key, bytes, high, high.length) >= 0) {
        return `the key of slot ${slot} is above the separator`;
      }
      const spare = this.#keyBefore;
      this.#keyBefore = this.#key;
      this.#key = spare;
      bytesBefore = bytes;
    }
    return undefined;
  }
}

function orderAtFence(key: Uint8Array, bytes: number, low: Uint8Array | undefined): number {
  return low === undefined ? 1 : compare(key, bytes, low, low.length);
}

function compare(a: Uint8Array, aBytes: number, b: Uint8Array, bBytes: number): number {
  const shared = Math.min(aBytes, bBytes);
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return aBytes - bBytes;
}

/** A copy of the whole key of a slot; of slot 0 of a branch, an empty one. */
export function keyOf({ u8, i32 }: PageBuffer, slot: number, level: number): Uint8Array {
  if (level > 0 && slot === 0) return new Uint8Array(0);
  const key = new Uint8Array(2 * KEY_BYTES_MAX);
  return key.slice(0, copyKey(u8, i32, BASE, slot, level === 0, key, 0));
}

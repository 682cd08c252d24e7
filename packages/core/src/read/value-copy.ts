/**
 * Copies of values out of page frames, as Buffers that the user keeps. Any thread; the pool belongs
 * to the thread.
 *
 * Invariants
 * 1. Bytes of the pool are handed out once and never written again.
 * 2. The pool's memory cannot be transferred to another thread, which would take it away from every
 *    value in it.
 */
import { markAsUntransferable } from 'node:worker_threads';
import { readOverflow, type Pager, type TreeHit } from '@manifold-db/storage';
import type { ReadMemory } from './context.js';

const POOL_BYTES = 16 * 1024;
/** Larger values get memory of their own, so that little is wasted at the end of a pool. */
const POOLED_BYTES_MAX = POOL_BYTES / 8;
/** From here on `set` of a subarray beats the loop over words, although it makes a view first. */
const SET_BYTES_MIN = 512;
/** Values in the pool begin at multiples of 8, as typed arrays over them want. */
const ALIGNMENT_MASK = 7;

let pool: Buffer = Buffer.allocUnsafeSlow(0);
let poolWords: Int32Array = new Int32Array(0);
let poolUsed = 0;

/** Memory for values that will be views of it. */
export function newSlab(bytes: number): Buffer {
  const slab = Buffer.allocUnsafeSlow(bytes);
  markAsUntransferable(slab.buffer);
  return slab;
}

/** Words of a slab that `newSlab` made. */
export function wordsOf(slab: Buffer): Int32Array {
  return new Int32Array(slab.buffer, 0, slab.length >> 2);
}

export function alignUp(bytes: number): number {
  return (bytes + ALIGNMENT_MASK) & ~ALIGNMENT_MASK;
}

/**
 * Copies `bytes` bytes from the 4-aligned offset `from` to the 4-aligned offset `to`; up to three
 * bytes behind them are copied, too (both sides are padded to words).
 */
export function copyPadded(
  target: Buffer,
  targetWords: Int32Array,
  to: number,
  source: Uint8Array,
  sourceWords: Int32Array,
  from: number,
  bytes: number,
): void {
  if (bytes >= SET_BYTES_MIN) {
    target.set(source.subarray(from, from + bytes), to);
    return;
  }
  let at = to >> 2;
  const end = (from + bytes + 3) >> 2;
  for (let word = from >> 2; word < end; word++) targetWords[at++] = sourceWords[word]!;
}

/** A fresh Buffer with the value of a hit, wherever it stands. */
export function copyHit(memory: ReadMemory, hit: TreeHit): Buffer {
  if (hit.overflowPage !== 0) return copyOverflow(memory.pager, hit);
  const bytes = hit.valueBytes;
  if (bytes > POOLED_BYTES_MAX) {
    const copy = Buffer.allocUnsafeSlow(bytes);
    copy.set(hit.u8.subarray(hit.valueOffset, hit.valueOffset + bytes));
    return copy;
  }
  // The pool's length is asked, not remembered: it is 0 if somebody transferred it all the same.
  if (poolUsed + bytes + ALIGNMENT_MASK > pool.length) {
    pool = newSlab(POOL_BYTES);
    poolWords = wordsOf(pool);
    poolUsed = 0;
  }
  const words = memory.pager.i32[memory.regionOf(hit)]!;
  copyPadded(pool, poolWords, poolUsed, hit.u8, words, hit.valueOffset, bytes);
  const copy = Buffer.from(pool.buffer, poolUsed, bytes);
  poolUsed = alignUp(poolUsed + bytes);
  return copy;
}

export function copyOverflow(pager: Pager, hit: TreeHit): Buffer {
  const copy = Buffer.allocUnsafeSlow(hit.valueBytes);
  readOverflow(pager, hit, copy);
  return copy;
}

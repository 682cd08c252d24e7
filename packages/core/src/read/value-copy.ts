/**
 * Copies of values out of page frames, as Buffers that the user keeps. Any thread; the pools belong
 * to the thread.
 *
 * Invariants
 * 1. Bytes of a pool are handed out once and never written again.
 * 2. The pool's memory cannot be transferred to another thread, which would take it away from every
 *    value in it.
 */
import { markAsUntransferable } from 'node:worker_threads';
import {
  assert,
  readOverflow,
  requireReadable,
  type Pager,
  type TreeHit,
  type WriteBuffer,
} from '@manifold-db/storage';
import type { ReadMemory } from './context.js';

const POINT_POOL_BYTES = 16 * 1024;
/** Larger values get memory of their own, so that little is wasted at the end of a pool. */
const POOLED_BYTES_MAX = POINT_POOL_BYTES / 8;
/** From here on `set` of a subarray beats the loop over words, although it makes a view first. */
const SET_BYTES_MIN = 512;
/** Values in a pool begin at multiples of 8, as typed arrays over them want. */
const ALIGNMENT_MASK = 7;

export function alignUp(bytes: number): number {
  return (bytes + ALIGNMENT_MASK) & ~ALIGNMENT_MASK;
}

/**
 * The class of the Buffers that Node itself makes; its constructor takes half of the time of
 * `Buffer.from`, which leads there after looking at its arguments.
 */
const PoolView = (Buffer as unknown as Record<symbol, unknown>)[Symbol.species] as new (
  memory: ArrayBufferLike,
  offset: number,
  bytes: number,
) => Uint8Array;
assert(new PoolView(new ArrayBuffer(1), 0, 1) instanceof Buffer, 'the species of Buffer is one');

/** Memory that values become views of. */
export class ValuePool {
  buffer: Buffer = Buffer.allocUnsafeSlow(0);
  /** The buffer's memory; asking for it costs a third of making a Buffer. */
  memory: ArrayBufferLike = this.buffer.buffer;
  words: Int32Array = new Int32Array(0);
  used = 0;
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * Makes sure that there are `bytes` bytes behind `used`. The length is asked, not remembered: it
   * is 0 if somebody managed to transfer the memory all the same.
   */
  ensure(bytes: number): void {
    if (this.used + bytes > this.buffer.length) this.#renew(Math.max(bytes, this.#bytes));
  }

  #renew(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(bytes);
    this.memory = this.buffer.buffer;
    this.words = new Int32Array(this.memory, 0, bytes >> 2);
    this.used = 0;
    markAsUntransferable(this.memory);
  }
}

const pointPool = new ValuePool(POINT_POOL_BYTES);

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
  let word = from >> 2;
  const end = (from + bytes + 3) >> 2;
  // Four words a turn: half the time of one.
  for (; word + 4 <= end; word += 4, at += 4) {
    targetWords[at] = sourceWords[word]!;
    targetWords[at + 1] = sourceWords[word + 1]!;
    targetWords[at + 2] = sourceWords[word + 2]!;
    targetWords[at + 3] = sourceWords[word + 3]!;
  }
  for (; word < end; word++) targetWords[at++] = sourceWords[word]!;
}

/** A fresh Buffer with the value of a hit, wherever it stands. */
export function copyHit(memory: ReadMemory, hit: TreeHit): Buffer {
  if (hit.overflowPage !== 0) return copyOverflow(memory.pager, hit);
  const sourceWords = memory.pager.i32[memory.regionOf(hit)]!;
  return copyValue(hit.u8, sourceWords, hit.valueOffset, hit.valueBytes);
}

/** A fresh Buffer with a value that stands in a write buffer. */
export function copyBuffered(buffer: WriteBuffer, from: number, bytes: number): Buffer {
  return copyValue(buffer.bytes, buffer.words, from, bytes);
}

/** `from` is a multiple of 4. */
function copyValue(
  source: Uint8Array,
  sourceWords: Int32Array,
  from: number,
  bytes: number,
): Buffer {
  if (bytes > POOLED_BYTES_MAX) {
    const copy = Buffer.allocUnsafeSlow(bytes);
    copy.set(source.subarray(from, from + bytes));
    return copy;
  }
  const pool = pointPool;
  pool.ensure(bytes + ALIGNMENT_MASK);
  const at = pool.used;
  copyPadded(pool.buffer, pool.words, at, source, sourceWords, from, bytes);
  pool.used = alignUp(at + bytes);
  return new PoolView(pool.memory, at, bytes) as Buffer;
}

export function copyOverflow(pager: Pager, hit: TreeHit): Buffer {
  requireReadable(pager, hit);
  const copy = Buffer.allocUnsafeSlow(hit.valueBytes);
  readOverflow(pager, hit, copy);
  return copy;
}

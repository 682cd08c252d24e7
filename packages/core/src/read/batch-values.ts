/**
 * The values of a batch (batch.ts): private copies of what stood in the page frames.
 *
 * Values of a leaf that is read to a good part are taken as one copy of the page, of which they
 * are views: a copy of 4 KiB costs about as much as four values copied singly.
 *
 * Invariants
 * 1. Value i stands in `memory[starts[i] ..)` with bytes[i] bytes, or in large[i].
 * 2. When values are handed out as views, the memory is a stretch of a pool that is written once.
 *    Otherwise it belongs to the batch and is written again for the next one; decoders keep no
 *    reference to it.
 * 3. A stretch of the pool is taken and given back within one `fill`, in which nothing else runs.
 */
import type { TreeCursor, WriteBuffer } from '@manifold-db/storage';
import type { ValueEncoding } from '../encoding/index.js';
import type { ReadMemory } from './context.js';
import { ValuePool, alignUp, copyOverflow, copyPadded } from './value-copy.js';

/** Most bytes of inline values, and of all overflow values but the last. */
const SLAB_BYTES_MAX = 64 * 1024;
const SLAB_BYTES_FIRST = 2 * 1024;
/** What is left of a pool is used for a batch if it is not less than this. */
const SLAB_BYTES_USEFUL = 8 * 1024;
/** A page is copied as a whole when the values wanted from it are at least this share of it. */
const IMAGE_SHARE = 1 / 2;
const NO_IMAGE = -1;

const viewPool = new ValuePool(SLAB_BYTES_MAX);

export class BatchValues {
  private starts: Int32Array;
  private bytes: Int32Array;
  private large: (Buffer | undefined)[] = [];
  private largeBytes = 0;
  /** Values are handed out as views. */
  private areViews = false;
  /** The memory of values that are decoded from it. */
  private readonly own = new ValuePool(SLAB_BYTES_FIRST);
  private pool = this.own;
  private memory: ArrayBufferLike = this.own.memory;
  private slab: Buffer = this.own.buffer;
  /** The stretch of the pool that this batch may fill. */
  private start = 0;
  private end = 0;
  /** Bytes that the last fill took. */
  private taken = 0;
  /** Where the copy of the current leaf begins, or NO_IMAGE. */
  private imageAt = NO_IMAGE;
  private imageFrame = 0;

  constructor(entries: number) {
    this.starts = new Int32Array(entries);
    this.bytes = new Int32Array(entries);
  }

  /** Lets go of what was handed out. */
  clear(): void {
    if (this.large.length > 0) this.large = [];
    this.largeBytes = 0;
    if (!this.areViews) return;
    this.pool = this.own;
    this.memory = this.own.memory;
    this.slab = this.own.buffer;
  }

  /** Before a fill of up to `entries` entries. */
  prepare(entries: number, areViews: boolean): void {
    this.clear();
    this.areViews = areViews;
    this.imageAt = NO_IMAGE;
    if (this.starts.length < entries) {
      this.starts = new Int32Array(entries);
      this.bytes = new Int32Array(entries);
    }
    if (areViews) {
      this.pool = viewPool;
      this.pool.ensure(SLAB_BYTES_USEFUL);
    } else {
      // Twice what the last batch took: batches grow, too.
      this.pool.used = 0;
      this.pool.ensure(Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_FIRST, 2 * this.taken)));
    }
    this.start = this.pool.used;
    this.end = this.pool.buffer.length;
  }

  /** After a fill; the stretch is the batch's own until the next one. */
  finish(): void {
    this.taken = this.pool.used - this.start;
    this.memory = this.pool.memory;
    this.slab = this.pool.buffer;
  }

  /**
   * Takes the value of the cursor's entry as number `at`, of up to `entries`; false when it belongs
   * into the next batch.
   */
  add(
    memory: ReadMemory,
    cursor: TreeCursor,
    at: number,
    entries: number,
    reverse: boolean,
  ): boolean {
    const { hit } = cursor;
    const bytes = hit.valueBytes;
    this.bytes[at] = bytes;
    if (hit.overflowPage !== 0) return this.addLarge(memory, cursor, at);
    const { pager } = memory;
    const frame = cursor.leafFrame;
    const base = (frame & pager.regionMask) << pager.pageShift;
    const left = reverse ? cursor.slot + 1 : cursor.slotCount - cursor.slot;
    // A leaf is entered at its first or last slot; then no copy of it can be there yet, even if it
    // stands in the frame of the leaf before (a small cache reads into a ring of few frames).
    if (this.imageFrame !== frame || left === cursor.slotCount) this.imageAt = NO_IMAGE;
    if (this.imageAt === NO_IMAGE) {
      const run = Math.min(left, entries - at);
      const { pageBytes } = pager;
      if (run * bytes < pageBytes * IMAGE_SHARE || this.pool.used + pageBytes > this.end) {
        const region = frame >>> pager.regionShift;
        const words = pager.i32[region]!;
        return this.addSingle(pager.u8[region]!, words, hit.valueOffset, bytes, at);
      }
      const { pool } = this;
      pool.buffer.set(hit.u8.subarray(base, base + pageBytes), pool.used);
      this.imageAt = pool.used;
      this.imageFrame = frame;
      pool.used += pageBytes;
    }
    this.starts[at] = this.imageAt + hit.valueOffset - base;
    return true;
  }

  /** As `add`, for a walk that does not take the leaf's entries one after another. */
  addApart(memory: ReadMemory, cursor: TreeCursor, at: number): boolean {
    const { hit } = cursor;
    this.bytes[at] = hit.valueBytes;
    if (hit.overflowPage !== 0) return this.addLarge(memory, cursor, at);
    const { pager } = memory;
    const region = cursor.leafFrame >>> pager.regionShift;
    const { valueOffset, valueBytes } = hit;
    return this.addSingle(pager.u8[region]!, pager.i32[region]!, valueOffset, valueBytes, at);
  }

  /** Takes a value out of a write buffer. */
  addBuffered(buffer: WriteBuffer, offset: number, bytes: number, at: number): boolean {
    this.bytes[at] = bytes;
    return this.addSingle(buffer.bytes, buffer.words, offset, bytes, at);
  }

  private addSingle(
    source: Uint8Array,
    sourceWords: Int32Array,
    valueOffset: number,
    valueBytes: number,
    at: number,
  ): boolean {
    const { pool } = this;
    const room = alignUp(valueBytes);
    if (pool.used + room > this.end) {
      // The first value of a batch is taken however long it is.
      if (at > 0) return false;
      pool.ensure(room);
      this.start = pool.used;
      this.end = pool.used + room;
    }
    const to = pool.used;
    copyPadded(pool.buffer, pool.words, to, source, sourceWords, valueOffset, valueBytes);
    this.starts[at] = to;
    pool.used = to + room;
    return true;
  }

  private addLarge(memory: ReadMemory, cursor: TreeCursor, at: number): boolean {
    const { hit } = cursor;
    if (at > 0 && this.largeBytes + hit.valueBytes > SLAB_BYTES_MAX) return false;
    this.largeBytes += hit.valueBytes;
    this.large[at] = copyOverflow(memory.pager, hit);
    return true;
  }

  /** The value of entry `at`. */
  valueAt<V>(encoding: ValueEncoding<V>, at: number): V {
    const large = this.large.length > 0 ? this.large[at] : undefined;
    if (large !== undefined) {
      return this.areViews ? (large as V) : encoding.decode(large, 0, large.length);
    }
    const start = this.starts[at]!;
    const bytes = this.bytes[at]!;
    if (this.areViews) return Buffer.from(this.memory, start, bytes) as V;
    return encoding.decode(this.slab, start, start + bytes);
  }
}

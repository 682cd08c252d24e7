/**
 * A batch: the entries that an iterator copied out of the page frames in one operation and hands
 * out one by one. Main thread, or any thread with a page manager; batches are reused.
 *
 * Values of a leaf that is read to a good part are taken as one copy of the page, of which they
 * are views: a copy of 4 KiB costs about as much as three values copied singly.
 *
 * Invariants
 * 1. Everything in a batch is private memory. Key and value bytes are decoded when they are handed
 *    out, outside of any operation; decoders keep no reference, except that values of the encoding
 *    'buffer' are views of the slab, which is then replaced for every batch.
 * 2. Entry i has its key in keys[keyEnds[i] .. keyEnds[i + 1]), its value in
 *    values[valueStarts[i] ..) with valueBytes[i] bytes, or in large[i].
 * 3. A batch that is not `exhausted` holds at least one entry.
 */
import { KEY_BYTES_MAX, type TreeCursor } from '@manifold-db/storage';
import type { KeyEncoding, ValueEncoding } from '../encoding/index.js';
import type { ReadMemory } from './context.js';
import { alignUp, copyOverflow, copyPadded, newSlab, wordsOf } from './value-copy.js';

/** The first batch is small: many walks end early. */
export const FIRST_BATCH_ENTRIES = 8;
export const BATCH_ENTRIES_MAX = 512;
const SLAB_BYTES_FIRST = 2 * 1024;
/** Most bytes of inline values, and of all overflow values but the last. */
const SLAB_BYTES_MAX = 64 * 1024;
const KEYS_BYTES_FIRST = 4 * KEY_BYTES_MAX;
const KEYS_BYTES_MAX = 64 * 1024;
/** A page is copied as a whole when the values wanted from it are at least this share of it. */
const IMAGE_SHARE = 1 / 2;
/** Keys decoded in one call into the runtime; the strings share memory, so not too many. */
const TEXT_KEYS = 32;
const TEXT_BYTES_MAX = 2048;
const NO_IMAGE = -1;

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Int32Array(0);

/** What stays the same for all batches of a walk. */
export interface FillOptions {
  readonly reverse: boolean;
  /** First key bytes that do not belong to the range any more: high, or (reverse) below low. */
  readonly stop: Buffer | undefined;
  readonly withValues: boolean;
  /** Values become views of the slab. */
  readonly valuesAreViews: boolean;
}

export class Batch {
  count = 0;
  /** Nothing of the range is behind this batch. */
  exhausted = false;
  keys = Buffer.allocUnsafeSlow(KEYS_BYTES_FIRST);
  keyEnds = new Int32Array(FIRST_BATCH_ENTRIES + 1);
  values: Buffer = NO_BYTES;
  valueStarts = new Int32Array(FIRST_BATCH_ENTRIES);
  valueBytes = new Int32Array(FIRST_BATCH_ENTRIES);
  large: (Buffer | undefined)[] = [];

  private valueWords: Int32Array = NO_WORDS;
  private slabUsed = 0;
  private largeBytes = 0;
  /** Where the copy of the current leaf begins in the slab, or NO_IMAGE. */
  private imageAt = NO_IMAGE;
  private imageFrame = 0;
  private text = '';
  private textFrom = 0;
  private textTo = 0;
  private textAt = 0;
  private textIsAscii = false;

  /** Forgets all entries; `keepSlab` when no view of it was handed out. */
  clear(keepSlab: boolean): void {
    this.count = 0;
    this.exhausted = false;
    this.largeBytes = 0;
    if (this.large.length > 0) this.large = [];
    this.textFrom = this.textTo = 0;
    this.text = '';
    if (keepSlab) this.slabUsed = 0;
    else this.dropSlab();
  }

  private dropSlab(): void {
    this.values = NO_BYTES;
    this.valueWords = NO_WORDS;
    this.slabUsed = 0;
  }

  /**
   * Copies up to `entriesMax` entries from the cursor's position on, as long as they belong to the
   * range and at most `missesMax` pages were read from the file. Inside an operation.
   */
  fill(
    memory: ReadMemory,
    options: FillOptions,
    found: boolean,
    entriesMax: number,
    missesMax: number,
  ): void {
    const { cursor, pager } = memory;
    const { reverse, stop } = options;
    const missesEnd = pager.misses + missesMax;
    this.prepare(options, entriesMax);
    let end = 0;
    let more = found;
    while (more) {
      const at = this.count;
      if (at > 0 && (at === entriesMax || pager.misses > missesEnd)) return;
      if (this.keys.length - end < KEY_BYTES_MAX && !this.growKeys(end)) return;
      const keyEnd = end + cursor.copyKey(this.keys, end);
      if (stop !== undefined && isBehind(this.keys, end, keyEnd, stop, reverse)) break;
      if (options.withValues && !this.addValue(memory, cursor, options, entriesMax)) return;
      this.keyEnds[at + 1] = end = keyEnd;
      this.count = at + 1;
      more = reverse ? cursor.prev() : cursor.next();
    }
    this.exhausted = true;
  }

  /** Empties the batch and makes room for `entriesMax` entries. */
  private prepare(options: FillOptions, entriesMax: number): void {
    const slabUsed = this.slabUsed;
    this.clear(!options.valuesAreViews);
    this.imageAt = NO_IMAGE;
    if (this.valueStarts.length < entriesMax) {
      this.keyEnds = new Int32Array(entriesMax + 1);
      this.valueStarts = new Int32Array(entriesMax);
      this.valueBytes = new Int32Array(entriesMax);
    }
    if (!options.withValues) return;
    const wanted = Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_FIRST, 2 * slabUsed));
    if (this.values.length < wanted) this.replaceSlab(wanted);
  }

  private replaceSlab(bytes: number): void {
    this.values = newSlab(bytes);
    this.valueWords = wordsOf(this.values);
  }

  /** False when the batch has as many key bytes as it may have. */
  private growKeys(end: number): boolean {
    if (this.keys.length >= KEYS_BYTES_MAX) return false;
    const grown = Buffer.allocUnsafeSlow(this.keys.length * 2);
    this.keys.copy(grown, 0, 0, end);
    this.keys = grown;
    return true;
  }

  // --- values -----------------------------------------------------------------------------------

  /** Takes the value of the cursor's entry; false when it belongs into the next batch. */
  private addValue(
    memory: ReadMemory,
    cursor: TreeCursor,
    options: FillOptions,
    entriesMax: number,
  ): boolean {
    const { hit } = cursor;
    const at = this.count;
    const bytes = hit.valueBytes;
    this.valueBytes[at] = bytes;
    if (hit.overflowPage !== 0) {
      if (at > 0 && this.largeBytes + bytes > SLAB_BYTES_MAX) return false;
      this.large[at] = copyOverflow(memory.pager, hit);
      this.largeBytes += bytes;
      return true;
    }
    const { pager } = memory;
    const frame = cursor.leafFrame;
    const base = (frame & pager.regionMask) << pager.pageShift;
    const left = options.reverse ? cursor.slot + 1 : cursor.slotCount - cursor.slot;
    // A leaf is entered at its first or last slot; then no copy of it can be there yet.
    if (this.imageFrame !== frame || left === cursor.slotCount) this.imageAt = NO_IMAGE;
    if (this.imageAt === NO_IMAGE) {
      const run = Math.min(left, entriesMax - at);
      if (run * bytes < pager.pageBytes * IMAGE_SHARE || !this.takeImage(hit.u8, base, pager)) {
        return this.addSingle(memory, frame, bytes, hit.valueOffset);
      }
      this.imageFrame = frame;
    }
    this.valueStarts[at] = this.imageAt + hit.valueOffset - base;
    return true;
  }

  /** Copies a whole page into the slab; false when there is no room. */
  private takeImage(u8: Uint8Array, base: number, pager: { readonly pageBytes: number }): boolean {
    const { pageBytes } = pager;
    if (this.slabUsed + pageBytes > this.values.length) return false;
    this.values.set(u8.subarray(base, base + pageBytes), this.slabUsed);
    this.imageAt = this.slabUsed;
    this.slabUsed += pageBytes;
    return true;
  }

  private addSingle(memory: ReadMemory, frame: number, bytes: number, from: number): boolean {
    const { pager } = memory;
    const room = alignUp(bytes);
    if (this.slabUsed + room > this.values.length) {
      if (this.count > 0) return false;
      this.replaceSlab(room);
      this.slabUsed = 0;
    }
    const region = frame >>> pager.regionShift;
    const to = this.slabUsed;
    const { u8, i32 } = pager;
    copyPadded(this.values, this.valueWords, to, u8[region]!, i32[region]!, from, bytes);
    this.valueStarts[this.count] = to;
    this.slabUsed = to + room;
    return true;
  }

  // --- handing out ------------------------------------------------------------------------------

  keyAt<K>(encoding: KeyEncoding<K>, index: number): K {
    if (encoding.name === 'utf8') return this.textAtIndex(index) as K;
    return encoding.decode(this.keys, this.keyEnds[index]!, this.keyEnds[index + 1]!);
  }

  valueAt<V>(encoding: ValueEncoding<V>, index: number, isView: boolean): V {
    const large = this.large.length > 0 ? this.large[index] : undefined;
    if (large !== undefined) {
      return isView ? (large as V) : encoding.decode(large, 0, large.length);
    }
    const start = this.valueStarts[index]!;
    const bytes = this.valueBytes[index]!;
    if (isView) return Buffer.from(this.values.buffer, start, bytes) as V;
    return encoding.decode(this.values, start, start + bytes);
  }

  /** A private copy of an entry's key bytes. */
  keyBytesAt(index: number): Buffer {
    return Buffer.from(this.keys.subarray(this.keyEnds[index]!, this.keyEnds[index + 1]!));
  }

  /**
   * The text of a key. Decoding costs a call into the runtime (80 ns); for ASCII one call serves
   * several keys, and cutting a string costs a fifth of it.
   */
  private textAtIndex(index: number): string {
    const start = this.keyEnds[index]!;
    const end = this.keyEnds[index + 1]!;
    if (index < this.textFrom || index >= this.textTo) this.loadText(index);
    if (this.textIsAscii) return this.text.substring(start - this.textAt, end - this.textAt);
    return this.keys.toString(undefined, start, end);
  }

  private loadText(from: number): void {
    const start = this.keyEnds[from]!;
    let to = Math.min(from + TEXT_KEYS, this.count);
    let end = this.keyEnds[to]!;
    if (end - start > TEXT_BYTES_MAX) {
      to = from + 1;
      end = this.keyEnds[to]!;
    }
    this.text = this.keys.toString(undefined, start, end);
    // As many characters as bytes: every byte is a character by itself, wherever it is cut.
    this.textIsAscii = this.text.length === end - start;
    this.textFrom = from;
    this.textTo = to;
    this.textAt = start;
  }
}

/** Whether the key is outside the range: not below `stop`, or (reverse) below it. */
function isBehind(
  keys: Buffer,
  start: number,
  end: number,
  stop: Buffer,
  reverse: boolean,
): boolean {
  const bytes = end - start;
  const shorter = bytes < stop.length ? bytes : stop.length;
  for (let i = 0; i < shorter; i++) {
    const difference = keys[start + i]! - stop[i]!;
    if (difference !== 0) return difference > 0 !== reverse;
  }
  return bytes >= stop.length !== reverse;
}

// --- reuse ----------------------------------------------------------------------------------------

/** Walks open at the same time that get their batches for nothing. */
const SPARE_BATCHES_MAX = 8;
const spare: Batch[] = [];

export function takeBatch(): Batch {
  return spare.pop() ?? new Batch();
}

/** The batch must not be used by its walk any more; `keepSlab` as in `clear`. */
export function giveBatch(batch: Batch, keepSlab: boolean): void {
  if (spare.length >= SPARE_BATCHES_MAX) return;
  batch.clear(keepSlab);
  spare.push(batch);
}

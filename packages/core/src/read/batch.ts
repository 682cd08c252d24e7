/**
 * A batch: the entries that an iterator copied out of the page frames in one operation and hands
 * out one by one. Any thread with a page manager; batches are reused.
 *
 * Invariants
 * 1. Everything in a batch is private memory. Key and value bytes are decoded when they are handed
 *    out, outside of any operation.
 * 2. Entry i has its key in keys[keyEnds[i] .. keyEnds[i + 1]), and value i of `values`.
 * 3. A batch that is not `exhausted` holds at least one entry.
 */
import { KEY_BYTES_MAX, PAGE_IS_MISSING } from '@manifold-db/storage';
import type { KeyEncoding } from '../encoding/index.js';
import { BatchValues } from './batch-values.js';
import type { ReadMemory } from './context.js';

/** The first batch is small: many walks end early. */
export const FIRST_BATCH_ENTRIES = 8;
export const BATCH_ENTRIES_MAX = 512;
const KEYS_BYTES_FIRST = 4 * KEY_BYTES_MAX;
const KEYS_BYTES_MAX = 64 * 1024;
/** Keys decoded in one call into the runtime; the strings share memory, so not too many. */
const TEXT_KEYS = 32;
const TEXT_BYTES_MAX = 2048;

/** What stays the same for all batches of a walk, but `isMerged`. */
export interface FillOptions {
  /** The entries come from the merged cursor: there are buffers above the tree. */
  isMerged: boolean;
  readonly reverse: boolean;
  /** First key bytes that do not belong to the range any more: high, or (reverse) below low. */
  readonly stop: Buffer | undefined;
  readonly withValues: boolean;
  /** Values are handed out as Buffers, undecoded. */
  readonly valuesAreViews: boolean;
}

export class Batch {
  count = 0;
  /** Nothing of the range is behind this batch. */
  exhausted = false;
  readonly values = new BatchValues(FIRST_BATCH_ENTRIES);
  private keys = Buffer.allocUnsafeSlow(KEYS_BYTES_FIRST);
  private keyEnds = new Int32Array(FIRST_BATCH_ENTRIES + 1);
  private text = '';
  private textFrom = 0;
  private textTo = 0;
  private textAt = 0;
  private textIsAscii = false;

  /** Forgets all entries. */
  clear(): void {
    this.count = 0;
    this.exhausted = false;
    this.values.clear();
    this.textFrom = this.textTo = 0;
    this.text = '';
  }

  /**
   * Copies up to `entriesMax` entries (at least 1) from the cursor's position on, as long as they
   * belong to the range. Inside an operation. When the page manager may not load pages, a missing
   * one ends the batch; it is thrown when the batch would be empty.
   */
  fill(memory: ReadMemory, options: FillOptions, found: boolean, entriesMax: number): void {
    this.count = 0;
    this.exhausted = false;
    this.textFrom = this.textTo = 0;
    if (this.keyEnds.length <= entriesMax) this.keyEnds = new Int32Array(entriesMax + 1);
    const { values } = this;
    if (options.withValues) values.prepare(entriesMax, options.valuesAreViews);
    try {
      this.exhausted = !found || this.copyAny(memory, options, entriesMax);
    } catch (error) {
      if (error !== PAGE_IS_MISSING || this.count === 0) throw error;
    }
    if (options.withValues) values.finish();
  }

  private copyAny(memory: ReadMemory, options: FillOptions, entriesMax: number): boolean {
    return options.isMerged
      ? this.copyMerged(memory, options, entriesMax)
      : this.copyEntries(memory, options, entriesMax);
  }

  /** True when nothing of the range is behind what was copied. */
  private copyEntries(memory: ReadMemory, options: FillOptions, entriesMax: number): boolean {
    const { cursor } = memory;
    const { reverse, stop, withValues } = options;
    let end = 0;
    for (let at = 0; ;) {
      if (at === entriesMax) return false;
      if (this.keys.length - end < KEY_BYTES_MAX && !this.growKeys(end)) return false;
      const keyEnd = end + cursor.copyKey(this.keys, end);
      if (stop !== undefined && isBehind(this.keys, end, keyEnd, stop, reverse)) return true;
      if (withValues && !this.values.add(memory, cursor, at, entriesMax, reverse)) return false;
      this.keyEnds[++at] = end = keyEnd;
      this.count = at;
      if (!(reverse ? cursor.prev() : cursor.next())) return true;
    }
  }

  /** As `copyEntries`, from the merged cursor. */
  private copyMerged(memory: ReadMemory, options: FillOptions, entriesMax: number): boolean {
    const { merged } = memory;
    const { reverse, stop, withValues } = options;
    let end = 0;
    for (let at = 0; ;) {
      if (at === entriesMax) return false;
      if (this.keys.length - end < KEY_BYTES_MAX && !this.growKeys(end)) return false;
      const keyEnd = end + merged.copyKey(this.keys, end);
      if (stop !== undefined && isBehind(this.keys, end, keyEnd, stop, reverse)) return true;
      if (withValues && !this.addMerged(memory, at)) return false;
      this.keyEnds[++at] = end = keyEnd;
      this.count = at;
      if (!merged.move()) return true;
    }
  }

  private addMerged(memory: ReadMemory, at: number): boolean {
    const { merged } = memory;
    if (merged.isInTree) return this.values.addApart(memory, merged.tree, at);
    return this.values.addBuffered(merged.buffer, merged.valueOffset, merged.valueBytes, at);
  }

  /** False when the batch has as many key bytes as it may have. */
  private growKeys(end: number): boolean {
    if (this.keys.length >= KEYS_BYTES_MAX) return false;
    const grown = Buffer.allocUnsafeSlow(this.keys.length * 2);
    this.keys.copy(grown, 0, 0, end);
    this.keys = grown;
    return true;
  }

  keyAt<K>(encoding: KeyEncoding<K>, index: number): K {
    if (encoding.name === 'utf8') return this.textAtIndex(index) as K;
    return encoding.decode(this.keys, this.keyEnds[index]!, this.keyEnds[index + 1]!);
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

// --- reuse
// ----------------------------------------------------------------------------------------

/** Walks open at the same time that get their batches for nothing. */
const SPARE_BATCHES_MAX = 8;
const spare: Batch[] = [];

export function takeBatch(): Batch {
  return spare.pop() ?? new Batch();
}

/** The batch must not be used by its walk any more. */
export function giveBatch(batch: Batch): void {
  batch.clear();
  if (spare.length < SPARE_BATCHES_MAX) spare.push(batch);
}

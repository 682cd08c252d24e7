/**
 * Iterators over a range of one version of a tree. Main thread, or any thread with a page manager.
 *
 * The version is pinned when the iterator is made (`open` is called once, by `createEntries`), so
 * it shows the state of that moment, however late it is stepped first. It is given back exactly
 * once: with the last entry that `limit` allows, at the end, on `return`/`throw`/`close`, when a
 * step throws, or, for an iterator that was dropped without any of these, when the garbage
 * collector finds it.
 *
 * Invariants
 * 1. Between two calls an iterator holds a key and a pinned version, never a position in memory:
 *    every batch seeks again, in an operation of its own.
 * 2. `#batch.count - #at` entries are read but not handed out; only entries handed out count for
 *    `limit` and for the covered range.
 * 3. Nothing refers to the iterator but its user (and a covered range that asks it, for a
 *    transaction); the registry holds the pin alone.
 */
import { corrupt, readInMemory, type PageReference } from '@manifold-db/storage';
import { encodeRange, type ByteRange } from '../encoding/index.js';
import type { Entries, KeyRange } from '../types.js';
import { AsyncEntries, type SteppedWalk } from './async-entries.js';
import {
  BATCH_ENTRIES_MAX,
  Batch,
  FIRST_BATCH_ENTRIES,
  giveBatch,
  takeBatch,
  type FillOptions,
} from './batch.js';
import {
  givesBytes,
  keyScratch,
  type FamilyCodec,
  type ReadContext,
  type ReadMemory,
} from './context.js';
import { CoveredSegment, type CoveredRange } from './covered.js';
import { Pin, keepsTree, type EntriesSource } from './pin.js';
import type { FamilyView } from './view.js';

export type { EntriesSource } from './pin.js';

export type EntriesSelect = 'entries' | 'keys' | 'values';

const GROWTH = 2;
/** Who names a small limit wants that many: they are read at once. */
const SMALL_LIMIT = 64;

/** What a closed walk points at. */
const NO_ENTRIES = new Batch();
const NO_KEY = Buffer.alloc(0);
/** Where the next batch begins. */
const From = {
  /** At the range's near end. */
  START: 0,
  /** At the key in `#key`, which belongs to the batch. */
  AT_KEY: 1,
  /** Behind the key in `#key`. */
  BEHIND_KEY: 2,
  /** There is nothing more. */
  END: 3,
} as const;
type From = (typeof From)[keyof typeof From];

class Walk<K, V, T> implements Entries<T, K>, SteppedWalk<T> {
  readonly #context: ReadContext;
  readonly #codec: FamilyCodec<K, V>;
  readonly #memory: ReadMemory;
  readonly #source: EntriesSource;
  readonly #pin: Pin;
  readonly #range: ByteRange;
  readonly #options: FillOptions;
  readonly #select: EntriesSelect;
  readonly #onRead: ((covered: CoveredRange) => void) | undefined;
  #segment: CoveredSegment | undefined;
  #batch: Batch;
  /** Entries of the batch that were handed out. */
  #at = 0;
  /** Entries that may still be handed out, those of the batch included. */
  #left: number;
  #batchEntries: number;
  #from: From = From.START;
  #key: Buffer = NO_KEY;
  #closed = false;
  #holds = true;
  /** Set while pages are loaded. */
  #keepsTree: (() => boolean) | undefined;

  constructor(
    context: ReadContext,
    codec: FamilyCodec<K, V>,
    range: ByteRange,
    select: EntriesSelect,
    source: EntriesSource,
    onRead: ((covered: CoveredRange) => void) | undefined,
  ) {
    this.#context = context;
    this.#codec = codec;
    this.#memory = context.memory;
    this.#range = range;
    this.#select = select;
    this.#onRead = onRead;
    this.#options = {
      isMerged: false,
      reverse: range.reverse,
      stop: range.reverse ? range.low : range.high,
      withValues: select !== 'keys',
      valuesAreViews: select !== 'keys' && givesBytes(codec.value),
    };
    this.#left = range.limit;
    this.#batchEntries = range.limit <= SMALL_LIMIT ? SMALL_LIMIT : FIRST_BATCH_ENTRIES;
    this.#batch = takeBatch();
    this.#source = source;
    this.#pin = new Pin(source, this);
    if (range.limit === 0) this.#letGo();
  }

  next(): IteratorResult<T, undefined> {
    try {
      this.#context.assertReadable();
      if (this.#at === this.#batch.count && !this.#refill()) {
        this.close();
        return { value: undefined, done: true };
      }
      const value = this.#take(this.#at++);
      if (this.#at === this.#left) this.#letGo();
      return { value, done: false };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  return(): IteratorResult<T, undefined> {
    this.close();
    return { value: undefined, done: true };
  }

  throw(error: unknown): never {
    this.close();
    throw error;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endSegment();
    const batch = this.#batch;
    this.#batch = NO_ENTRIES;
    this.#at = 0;
    giveBatch(batch);
    this.#letGo();
  }

  /** Gives the version back; nothing is read from now on. */
  #letGo(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#pin.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return new AsyncEntries<T>(this, this.#context.pager);
  }

  // For the asynchronous walk.
  get hasBatch(): boolean {
    return this.#at < this.#batch.count;
  }

  readAhead(): readonly PageReference[] {
    if (this.#closed || this.hasBatch) return [];
    this.#context.assertReadable();
    const read = readInMemory(this.#context.pager, () => this.#refill());
    if ('value' in read) return [];
    this.#keepsTree = keepsTree(this.#context, this.#source);
    return read.missing;
  }

  keepsPages(): boolean {
    return !this.#closed && this.#keepsTree!();
  }

  seek(key: K): this {
    this.#context.assertReadable();
    const bytes = this.#codec.key.encode(key, keyScratch, 0);
    if (this.#closed) return this;
    this.#endSegment();
    this.#left -= this.#at;
    this.#at = 0;
    this.#batch.clear();
    this.#batchEntries = FIRST_BATCH_ENTRIES;
    const sought = Buffer.from(keyScratch.subarray(0, bytes));
    this.#from = placeOf(sought, this.#range);
    if (this.#from === From.AT_KEY) this.#key = sought;
    return this;
  }

  /** Entry `index` of the batch; user code may run in it, even `next` of this very walk. */
  #take(index: number): T {
    const batch = this.#batch;
    const { key: keys, value: values } = this.#codec;
    if (this.#select === 'keys') return batch.keyAt(keys, index) as unknown as T;
    if (this.#select === 'values') return batch.values.valueAt(values, index) as unknown as T;
    return [batch.keyAt(keys, index), batch.values.valueAt(values, index)] as unknown as T;
  }

  // --- batches ----------------------------------------------------------------------------------

  /** Reads the next batch; false at the end. */
  #refill(): boolean {
    if (this.#closed) return false;
    const batch = this.#batch;
    if (batch.exhausted) this.#from = From.END;
    else if (batch.count > 0) {
      const key = batch.keyBytesAt(batch.count - 1);
      if (this.#from === From.BEHIND_KEY) this.#requireProgress(key);
      this.#key = key;
      this.#from = From.BEHIND_KEY;
      this.#left -= batch.count;
      this.#at = 0;
      batch.count = 0;
    }
    if (this.#left === 0) return false;
    if (this.#from === From.END) {
      this.#segment?.reachEnd();
      return false;
    }
    if (this.#segment === undefined) this.#startSegment();
    this.#fill(batch);
    if (batch.count > 0) return true;
    this.#segment?.reachEnd();
    return false;
  }

  /** In a damaged tree with keys out of order, walking on behind a key may go round for ever. */
  #requireProgress(key: Buffer): void {
    const order = Buffer.compare(key, this.#key);
    if (this.#range.reverse ? order < 0 : order > 0) return;
    throw corrupt(
      this.#context.pager.path,
      0,
      'keys of a tree are out of order; verify() says where',
    );
  }

  #fill(batch: Batch): void {
    const entries = Math.min(this.#batchEntries, this.#left);
    const opened = this.#context.begin();
    try {
      const view = this.#source.view();
      this.#options.isMerged = view.isLayered;
      const found = view.isLayered ? this.#positionMerged(view) : this.#position(view);
      batch.fill(this.#memory, this.#options, found, entries);
    } finally {
      this.#memory.merged.release();
      this.#context.end(opened);
    }
    this.#batchEntries = Math.min(this.#batchEntries * GROWTH, BATCH_ENTRIES_MAX);
  }

  /** Puts the cursor on the first entry of the next batch. */
  #position({ root }: FamilyView): boolean {
    const { cursor } = this.#memory;
    const key = this.#key;
    const { low, high, reverse } = this.#range;
    if (this.#from !== From.START) {
      const inclusive = this.#from === From.AT_KEY;
      return reverse
        ? cursor.seekBackward(root, key, key.length, inclusive)
        : cursor.seekForward(root, key, key.length, inclusive);
    }
    if (reverse) {
      return high === undefined
        ? cursor.seekLast(root)
        : cursor.seekBackward(root, high, high.length, false);
    }
    return low === undefined
      ? cursor.seekFirst(root)
      : cursor.seekForward(root, low, low.length, true);
  }

  #positionMerged(view: FamilyView): boolean {
    const { merged } = this.#memory;
    merged.reset(view);
    const key = this.#key;
    const { low, high, reverse } = this.#range;
    if (this.#from !== From.START) {
      const inclusive = this.#from === From.AT_KEY;
      return reverse
        ? merged.seekBackward(key, key.length, inclusive)
        : merged.seekForward(key, key.length, inclusive);
    }
    if (reverse) {
      return high === undefined ? merged.seekLast() : merged.seekBackward(high, high.length, false);
    }
    return low === undefined ? merged.seekFirst() : merged.seekForward(low, low.length, true);
  }

  // --- what was read, for transactions
  // ------------------------------------------------------------

  #startSegment(): void {
    if (this.#onRead === undefined) return;
    const start = this.#from === From.AT_KEY ? this.#key : undefined;
    this.#segment = new CoveredSegment(this.#range, start, () => this.#lastKey());
    this.#onRead(this.#segment);
  }

  #endSegment(): void {
    this.#segment?.end();
    this.#segment = undefined;
  }

  /** The last key that was handed out since the last seek. */
  #lastKey(): Buffer | undefined {
    if (this.#at > 0) return this.#batch.keyBytesAt(this.#at - 1);
    return this.#from === From.BEHIND_KEY ? this.#key : undefined;
  }
}

/** Where a walk over the range goes on that is to continue at `key`. */
function placeOf(key: Buffer, range: ByteRange): From {
  const { low, high, reverse } = range;
  if (low !== undefined && Buffer.compare(key, low) < 0) return reverse ? From.END : From.START;
  if (high !== undefined && Buffer.compare(key, high) >= 0) return reverse ? From.START : From.END;
  return From.AT_KEY;
}

/**
 * An iterator over `range`. `open` is called once, here, after the range was found to be valid.
 * `onRead` is called when reading starts, and again after each `seek`, with an object that tells at
 * any time which keys were covered so far.
 */
export function createEntries<K, V, T>(
  context: ReadContext,
  codec: FamilyCodec<K, V>,
  range: KeyRange<K> | undefined,
  select: EntriesSelect,
  open: () => EntriesSource,
  onRead?: (covered: CoveredRange) => void,
): Entries<T, K> {
  context.assertReadable();
  const bounds = encodeRange(range, codec.key);
  return new Walk<K, V, T>(context, codec, bounds, select, open(), onRead);
}

/**
 * The frame table: which frame holds which page, which are free, which may be evicted. Functions
 * over the shared regions of `layout/pages.ts`; all but `findFrame` run under the pages lock.
 * Threads: main, apply workers, later any attached thread.
 *
 * Invariants: those of `layout/pages.ts`, and
 * 1. Retired frames are recycled in the order of retirement, so the oldest epoch decides.
 * 2. A retirement is tagged with the global epoch, which is advanced after the batch is unlinked:
 *    an operation that begins later reads a newer epoch and cannot find the frame any more.
 */
import { assert } from '../assert.js';
import type { Shared } from '../shared.js';
import {
  EPOCH_FIRST,
  EPOCH_GLOBAL,
  EPOCH_QUIESCENT,
  EPOCH_SLOTS,
  EPOCH_SLOT_WORDS,
} from '../layout/epochs.js';
import {
  FRAMES_CLOCK_HAND,
  FRAMES_COUNT,
  FRAMES_DIRTY,
  FRAMES_FREE_COUNT,
  FRAMES_FREE_HEAD,
  FRAMES_HIGH,
  FRAME_NEXT,
  FRAME_OWNER,
  FRAME_OWNER_HIGH,
  FRAME_PAGE,
  FRAME_ROW_SHIFT,
  FRAME_STATE,
  FRAME_USED,
  NO_OWNER,
  RETIRED_COUNT,
  RETIRED_EPOCH,
  RETIRED_FRAME,
  RETIRED_OLDEST,
  STATE_CLEAN,
  STATE_DIRTY,
  STATE_FREE,
  STATE_RETIRED,
} from '../layout/pages.js';
import { NO_FRAME, NO_PAGE } from '../ids.js';
import { THREADS_MAX } from '../limits.js';

/** Fibonacci hashing: consecutive page numbers land in different buckets. */
const HASH_MULTIPLIER = 0x9e3779b1 | 0;

export function bucketOf(page: number, bucketMask: number): number {
  return (Math.imul(page, HASH_MULTIPLIER) >>> 7) & bucketMask;
}

/** Lock-free look-up; a miss must be confirmed under the lock before it is believed. */
export function findFrame(table: Int32Array, buckets: Int32Array, page: number): number {
  // The head is loaded atomically so that the bytes of a frame linked before it are visible.
  let frame = Atomics.load(buckets, bucketOf(page, buckets.length - 1));
  while (frame !== NO_FRAME) {
    if (table[(frame << FRAME_ROW_SHIFT) + FRAME_PAGE] === page) return frame;
    frame = table[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT]!;
  }
  return NO_FRAME;
}

export function linkFrame(shared: Shared, frame: number, page: number): void {
  const { frameTable: table, frameBuckets: buckets } = shared;
  const bucket = bucketOf(page, buckets.length - 1);
  table[(frame << FRAME_ROW_SHIFT) + FRAME_PAGE] = page;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_USED] = 1;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT] = buckets[bucket]!;
  // Published last: whoever finds the frame finds it complete.
  Atomics.store(buckets, bucket, frame);
}

export function unlinkFrame(shared: Shared, frame: number): void {
  const { frameTable: table, frameBuckets: buckets } = shared;
  const bucket = bucketOf(table[(frame << FRAME_ROW_SHIFT) + FRAME_PAGE]!, buckets.length - 1);
  const next = table[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT]!;
  let at = buckets[bucket]!;
  if (at === frame) {
    Atomics.store(buckets, bucket, next);
    return;
  }
  for (;;) {
    assert(at !== NO_FRAME, 'a linked frame is on the chain of its page');
    const following = table[(at << FRAME_ROW_SHIFT) + FRAME_NEXT]!;
    if (following === frame) break;
    at = following;
  }
  // Readers on the removed frame still follow its own FRAME_NEXT (layout invariant 2).
  Atomics.store(table, (at << FRAME_ROW_SHIFT) + FRAME_NEXT, next);
}

export function pushFreeFrame(shared: Shared, frame: number): void {
  const { frameTable: table, pagesControl: control } = shared;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] = STATE_FREE;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER] = NO_OWNER;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER_HIGH] = NO_OWNER;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_PAGE] = NO_PAGE;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT] = control[FRAMES_FREE_HEAD]!;
  control[FRAMES_FREE_HEAD] = frame;
  control[FRAMES_FREE_COUNT] = control[FRAMES_FREE_COUNT]! + 1;
}

/** A free frame, or NO_FRAME. */
export function popFreeFrame(shared: Shared): number {
  const { frameTable: table, pagesControl: control } = shared;
  const frame = control[FRAMES_FREE_HEAD]!;
  if (frame === NO_FRAME) return NO_FRAME;
  control[FRAMES_FREE_HEAD] = table[(frame << FRAME_ROW_SHIFT) + FRAME_NEXT]!;
  control[FRAMES_FREE_COUNT] = control[FRAMES_FREE_COUNT]! - 1;
  if (frame > control[FRAMES_HIGH]!) control[FRAMES_HIGH] = frame;
  return frame;
}

/** Makes a frame dirty, and its page one that the diff with this token may change. */
export function ownFrame(shared: Shared, frame: number, ownerLow: number, ownerHigh: number): void {
  const { frameTable: table, pagesControl: control } = shared;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] = STATE_DIRTY;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER] = ownerLow;
  table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER_HIGH] = ownerHigh;
  control[FRAMES_DIRTY] = control[FRAMES_DIRTY]! + 1;
}

/** Takes a linked frame out of use; it is recycled once every thread has moved on. */
export function retireFrame(shared: Shared, frame: number): void {
  const { frameTable: table, pagesControl: control, epochs } = shared;
  const frames = control[FRAMES_COUNT]!;
  unlinkFrame(shared, frame);
  if (table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] === STATE_DIRTY) {
    control[FRAMES_DIRTY] = control[FRAMES_DIRTY]! - 1;
  }
  table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] = STATE_RETIRED;
  // Rows never run out: a frame stands in the queue once. They are no power of two, so positions
  // are rows: a counter of all retirements would jump to another row where it wraps.
  const count = control[RETIRED_COUNT]!;
  const position = control[RETIRED_OLDEST]! + count;
  const row = position < frames ? position : position - frames;
  table[(row << FRAME_ROW_SHIFT) + RETIRED_FRAME] = frame;
  table[(row << FRAME_ROW_SHIFT) + RETIRED_EPOCH] = epochs[EPOCH_GLOBAL]!;
  control[RETIRED_COUNT] = count + 1;
}

/** Ends a batch of retirements (invariant 2); returns the tag that `epochPassed` takes. */
export function advanceEpoch(shared: Shared): number {
  const tag = shared.epochs[EPOCH_GLOBAL]!;
  const next = (tag + 1) | 0;
  Atomics.store(shared.epochs, EPOCH_GLOBAL, next === EPOCH_QUIESCENT ? EPOCH_FIRST : next);
  return tag;
}

/** True when no thread is inside an operation that began in or before epoch `tag`. */
export function epochPassed(epochs: Int32Array, tag: number): boolean {
  for (let thread = 0; thread < THREADS_MAX; thread++) {
    const epoch = Atomics.load(epochs, EPOCH_SLOTS + thread * EPOCH_SLOT_WORDS);
    if (epoch !== EPOCH_QUIESCENT && ((epoch - tag) | 0) <= 0) return false;
  }
  return true;
}

/** Moves retired frames whose epoch has passed to the free list. */
export function recycleFrames(shared: Shared): void {
  const { frameTable: table, pagesControl: control, epochs } = shared;
  const frames = control[FRAMES_COUNT]!;
  let checkedTag = EPOCH_QUIESCENT;
  while (control[RETIRED_COUNT] !== 0) {
    const row = control[RETIRED_OLDEST]!;
    const tag = table[(row << FRAME_ROW_SHIFT) + RETIRED_EPOCH]!;
    if (tag !== checkedTag && !epochPassed(epochs, tag)) return;
    checkedTag = tag;
    pushFreeFrame(shared, table[(row << FRAME_ROW_SHIFT) + RETIRED_FRAME]!);
    control[RETIRED_OLDEST] = row + 1 === frames ? 0 : row + 1;
    control[RETIRED_COUNT] = control[RETIRED_COUNT]! - 1;
  }
}

/**
 * Second-chance eviction (CLOCK, Corbató 1969): retires up to `wanted` clean frames that were not
 * used since the hand last passed. Returns how many.
 */
export function evictFrames(shared: Shared, wanted: number): number {
  const { frameTable: table, pagesControl: control } = shared;
  const frames = control[FRAMES_COUNT]!;
  let hand = control[FRAMES_CLOCK_HAND]!;
  let evicted = 0;
  for (let looked = 0; looked < frames * 2 && evicted < wanted; looked++) {
    const frame = hand;
    hand = hand + 1 === frames ? 0 : hand + 1;
    if (table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] !== STATE_CLEAN) continue;
    if (table[(frame << FRAME_ROW_SHIFT) + FRAME_USED] !== 0) {
      table[(frame << FRAME_ROW_SHIFT) + FRAME_USED] = 0;
      continue;
    }
    retireFrame(shared, frame);
    evicted++;
  }
  control[FRAMES_CLOCK_HAND] = hand;
  if (evicted > 0) advanceEpoch(shared);
  return evicted;
}

/**
 * The way of a page out of use: written and clean, retired when no version reaches it, its number
 * offered again once every reader has moved on. Called by apply worker 0, and by the thread that
 * rolls back a diff of its own.
 */
import { NO_FRAME } from '../ids.js';
import {
  FRAMES_DIRTY,
  FRAME_OWNER,
  FRAME_OWNER_HIGH,
  FRAME_ROW_SHIFT,
  FRAME_STATE,
  NO_OWNER,
  PAGES_FREE_COUNT,
  STATE_CLEAN,
  STATE_DIRTY,
} from '../layout/pages.js';
import { FREE_PAGES_SHARED_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { advanceEpoch, findFrame, retireFrame } from './frame-table.js';
import { lockPages, unlockPages } from './pages-lock.js';

function frameOf(shared: Shared, page: number): number {
  return findFrame(shared.frameTable, shared.frameBuckets, page);
}

/** The pages are in the file as their frames have them: eviction may take the frames. */
export function markPagesClean(shared: Shared, pages: Int32Array, count: number): void {
  const { pagesControl: control, frameTable: table } = shared;
  lockPages(shared);
  for (let i = 0; i < count; i++) {
    const frame = frameOf(shared, pages[i]!);
    if (frame === NO_FRAME || table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] !== STATE_DIRTY)
      continue;
    table[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] = STATE_CLEAN;
    table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER] = NO_OWNER;
    table[(frame << FRAME_ROW_SHIFT) + FRAME_OWNER_HIGH] = NO_OWNER;
    control[FRAMES_DIRTY] = control[FRAMES_DIRTY]! - 1;
  }
  unlockPages(shared);
}

/** Drops the cached frames of pages that no version reaches; returns the epoch tag. */
export function retirePages(shared: Shared, pages: Int32Array, count: number): number {
  lockPages(shared);
  for (let i = 0; i < count; i++) {
    const frame = frameOf(shared, pages[i]!);
    if (frame !== NO_FRAME) retireFrame(shared, frame);
  }
  const tag = advanceEpoch(shared);
  unlockPages(shared);
  return tag;
}

/**
 * Puts page numbers (ascending) on the shared stack, lowest on top; returns how many of the first
 * ones fitted. Their retirement epoch has passed. A reader of an old version may have read one
 * into a frame after it was retired and before its epoch passed: such a frame goes now.
 */
export function giveFreePages(shared: Shared, pages: Int32Array, count: number): number {
  lockPages(shared);
  const taken = pushFreePages(shared, pages, count);
  unlockPages(shared);
  return taken;
}

/** `giveFreePages` for who holds the pages lock. */
export function pushFreePages(shared: Shared, pages: Int32Array, count: number): number {
  const { pagesControl: control, freePages } = shared;
  const free = control[PAGES_FREE_COUNT]!;
  const taken = Math.min(count, FREE_PAGES_SHARED_MAX - free);
  let late = 0;
  for (let i = 0; i < taken; i++) {
    const page = pages[taken - 1 - i]!;
    const frame = frameOf(shared, page);
    if (frame !== NO_FRAME) {
      retireFrame(shared, frame);
      late++;
    }
    freePages[free + i] = page;
  }
  if (late > 0) advanceEpoch(shared);
  control[PAGES_FREE_COUNT] = free + taken;
  return taken;
}

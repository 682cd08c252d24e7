/**
 * First values of the page manager's shared words. Runs once, on the opening thread, before any
 * other thread attaches.
 */
import { EPOCH_FIRST, EPOCH_GLOBAL } from '../layout/epochs.js';
import { FRAMES_COUNT, FRAMES_FREE_HEAD, PAGES_BIRTH, PAGES_NEXT } from '../layout/pages.js';
import { NO_FRAME } from '../ids.js';
import type { Shared } from '../shared.js';
import { loadWideOwned, storeWide } from '../sync/wide.js';
import { pushFreeFrame } from './frame-table.js';

/** `pageCount`: file end in pages; `birthCounter`: first birth never used. */
export function initializePageMemory(
  shared: Shared,
  pageCount: number,
  birthCounter: number,
): void {
  const { pagesControl: control, sizes } = shared;
  const frames = sizes.cacheBytes / sizes.pageBytes;
  control[FRAMES_COUNT] = frames;
  control[FRAMES_FREE_HEAD] = NO_FRAME;
  control[PAGES_NEXT] = pageCount;
  storeWide(control, PAGES_BIRTH, birthCounter);
  shared.epochs[EPOCH_GLOBAL] = EPOCH_FIRST;
  shared.frameBuckets.fill(NO_FRAME);
  for (let frame = frames - 1; frame >= 0; frame--) pushFreeFrame(shared, frame);
}

/** Leaves out births that pages in the file may have. Before any thread has taken one. */
export function skipBirths({ pagesControl }: Shared, count: number): void {
  storeWide(pagesControl, PAGES_BIRTH, loadWideOwned(pagesControl, PAGES_BIRTH) + count);
}

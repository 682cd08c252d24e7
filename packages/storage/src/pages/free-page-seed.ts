/**
 * The first free page numbers on the shared stack, from the free map of the checkpoint, so that
 * recovery re-uses free space before apply worker 0 is there. Runs once, on the opening thread.
 */
import { FIRST_DATA_PAGE } from '../ids.js';
import { FREE_PAGES_SHARED_MAX } from '../limits.js';
import type { Pager } from './pager.js';

/** Pages of the checkpoint that are in use. */
export interface PagesInUse {
  has(page: number): boolean;
}

/**
 * Puts the lowest free pages on the stack, as many as fit. Returns the page number below which
 * every free page stands there; those from it on are the apply worker's to offer.
 */
export function seedFreePages(pager: Pager, inUse: PagesInUse, pageCount: number): number {
  const countMax = Math.min(FREE_PAGES_SHARED_MAX, Math.max(0, pageCount - FIRST_DATA_PAGE));
  const pages = new Int32Array(countMax);
  let count = 0;
  let page: number = FIRST_DATA_PAGE;
  for (; page < pageCount && count < countMax; page++) {
    if (!inUse.has(page)) pages[count++] = page;
  }
  pager.giveFreePages(pages, count);
  return page;
}

/**
 * Growing the data file. Other threads write pages of running transactions to the same file, so the
 * end is never moved by `truncate`: numbers at the end are claimed like any other page, and the
 * last of them is written.
 */
import { assert } from '../assert.js';
import { PAGES_NEXT } from '../layout/pages.js';
import { lockPages, unlockPages } from '../pages/pages-lock.js';
import type { Shared } from '../shared.js';

const PAGE_NUMBER_MAX = 0x7fffffff;

/**
 * Claims `count` page numbers behind all others and returns the first. They belong to the caller.
 */
export function claimPagesAtEnd(shared: Shared, count: number): number {
  const control = shared.pagesControl;
  lockPages(shared);
  const first = control[PAGES_NEXT]!;
  assert(first <= PAGE_NUMBER_MAX - count, 'the data file has a free page number');
  control[PAGES_NEXT] = first + count;
  unlockPages(shared);
  return first;
}

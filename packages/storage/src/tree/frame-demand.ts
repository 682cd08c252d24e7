/**
 * How many page frames a change of a tree needs, and when a growing diff has to make room. The same
 * for transactions (main thread) and for merges (apply worker 0).
 */
import type { Pager } from '../pages/pager.js';
import { WRITE_THROUGH_BYTES_MIN } from './overflow-write.js';

/** Most pages that a change of one entry makes: a copied path, splits on the way. */
export const PAGES_PER_CHANGE = 24;
/** Changes between two looks at memory pressure. */
export const CHANGES_PER_LOOK = 64;

/** Share of the frames that must stay clean or free while a diff grows. */
const FRAMES_KEPT_SHARE = 1 / 5;
/** Values below this take no pages of their own worth counting. */
const SMALL_VALUE_BYTES = 4096;
/** Share of a value's page that is no header, counted low; the pages of its index come on top. */
const VALUE_PAGE_SHARE = 15 / 16;
const VALUE_INDEX_PAGES = 3;

/** Frames to set aside before an entry with a value of so many bytes is put. */
export function framesForValue(pager: Pager, valueBytes: number): number {
  if (valueBytes < SMALL_VALUE_BYTES || isWrittenThrough(pager, valueBytes)) {
    return PAGES_PER_CHANGE;
  }
  const valuePages = Math.ceil(valueBytes / (pager.pageBytes * VALUE_PAGE_SHARE));
  return PAGES_PER_CHANGE + VALUE_INDEX_PAGES + valuePages;
}

/** The largest values go straight to the file. */
export function isWrittenThrough(pager: Pager, valueBytes: number): boolean {
  return pager.canWriteThrough && valueBytes > WRITE_THROUGH_BYTES_MIN;
}

/** So many frames are dirty that reading suffers: time to spill. */
export function isShortOfCleanFrames(pager: Pager): boolean {
  const frames = pager.frameCount();
  return frames - pager.dirtyFrames() < frames * FRAMES_KEPT_SHARE;
}

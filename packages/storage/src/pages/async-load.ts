/**
 * Reading cold pages without blocking the event loop: a read runs on what is in memory; when it
 * misses a page it gives up, the page is brought in asynchronously, and the read runs anew.
 *
 * Invariant: bytes that were read go into a frame only while the version that they belong to is
 * kept. Later the number of the page may be free, or another page's.
 */
import { assert } from '../assert.js';
import type { PageReference } from '../format/free-map.js';
import { PAGE_IS_MISSING } from './page-loader.js';
import type { Pager } from './pager.js';

/** The value of a read, or the pages that it missed: at least one. */
export type MemoryRead<T> = { readonly value: T } | { readonly missing: readonly PageReference[] };

/** Runs a read that may only use pages in memory. */
export function readInMemory<T>(pager: Pager, read: () => T): MemoryRead<T> {
  const { loader } = pager;
  loader.refusesToLoad = true;
  try {
    return { value: read() };
  } catch (error) {
    if (error !== PAGE_IS_MISSING) throw error;
    return { missing: loader.missing };
  } finally {
    loader.refusesToLoad = false;
    if (loader.missing.length > 0) loader.missing = [];
  }
}

/**
 * Brings pages into memory, side by side. Outside an operation. `isKept` says whether the version
 * that they belong to is still the caller's; what is read afterwards is nobody's, errors included.
 * False when no frame was free for one of them: then only a read that loads by itself gets on.
 */
export async function loadPagesAsync(
  pager: Pager,
  pages: readonly PageReference[],
  isKept: () => boolean,
): Promise<boolean> {
  pager.flushWriteThrough();
  // All of them end before the first error is told: the caller lets the version go then.
  const reads = await Promise.allSettled(pages.map((page) => loadPageAsync(pager, page, isKept)));
  let areLoaded = true;
  for (const read of reads) {
    if (read.status === 'rejected') throw read.reason;
    areLoaded &&= read.value;
  }
  return areLoaded;
}

async function loadPageAsync(
  pager: Pager,
  { page, birth }: PageReference,
  isKept: () => boolean,
): Promise<boolean> {
  const { file, pageBytes } = pager;
  assert(file !== undefined, 'a page that is not in memory is in the file');
  const target = new Uint8Array(pageBytes);
  const offset = page * pageBytes;
  let bytes: number;
  try {
    bytes = (await file.readAsync?.(target, offset)) ?? file.read(target, offset);
  } catch (error) {
    if (!isKept()) return true;
    throw pager.loader.readError(page, error);
  }
  if (!isKept()) return true;
  pager.loader.misses++;
  pager.loader.verify(page, birth, target, bytes);
  pager.beginOperation();
  try {
    return pager.loader.adopt(page, target);
  } finally {
    pager.endOperation();
  }
}

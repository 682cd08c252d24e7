/**
 * Reading cold pages without blocking the event loop: a read runs on what is in memory; when it
 * misses a page it gives up, the page is brought in asynchronously, and the read runs anew.
 */
import { assert } from '../assert.js';
import { PAGE_IS_MISSING } from './page-loader.js';
import type { Pager } from './pager.js';

/** The value of a read, or the page that it missed. */
export type MemoryRead<T> =
  { readonly value: T } | { readonly page: number; readonly birth: number };

/** Runs a read that may only use pages in memory. */
export function readInMemory<T>(pager: Pager, read: () => T): MemoryRead<T> {
  pager.loader.refusesToLoad = true;
  try {
    return { value: read() };
  } catch (error) {
    if (error !== PAGE_IS_MISSING) throw error;
    return { ...pager.loader.missing };
  } finally {
    pager.loader.refusesToLoad = false;
  }
}

/**
 * Brings a page into memory. Outside an operation; the caller has pinned the version that the page
 * belongs to. False when no frame was free: then only a read that loads by itself gets on.
 */
export async function loadPageAsync(pager: Pager, page: number, birth: number): Promise<boolean> {
  const { file, pageBytes } = pager;
  assert(file !== undefined, 'a page that is not in memory is in the file');
  pager.flushWriteThrough();
  const target = new Uint8Array(pageBytes);
  const offset = page * pageBytes;
  let bytes: number;
  try {
    bytes = (await file.readAsync?.(target, offset)) ?? file.read(target, offset);
  } catch (error) {
    throw pager.loader.readError(page, error);
  }
  pager.loader.misses++;
  pager.loader.verify(page, birth, target, bytes);
  pager.beginOperation();
  try {
    return pager.loader.adopt(page, target);
  } finally {
    pager.endOperation();
  }
}

/**
 * `approximateSize`. Main thread.
 */
import type { Database } from '@manifold-db/core';
import { bytesOf, storedBounds, type Format } from './keys.js';

/**
 * The share of all entries that lie in `[start, end)`, times the bytes of the pages in use and of
 * what still waits in the write buffer.
 */
export function approximateSize(database: Database, start: Format, end: Format): number {
  const family = database.columnFamily<Uint8Array, string>('default', { keyEncoding: 'buffer' });
  const total = family.count();
  if (total === 0) return 0;
  const given = { gte: bytesOf(start), lt: bytesOf(end) };
  const { bounds } = storedBounds(given, 'buffer');
  const share = family.count(bounds as object) / total;
  const { cache, writeBuffer } = database.stats();
  const bytes = cache.livePageCount * cache.pageBytes + (writeBuffer?.fillBytes ?? 0);
  return Math.ceil(share * bytes);
}

/**
 * Asking for cache lines before they are needed. A processor runs ahead of a load that misses its
 * caches, but not past a comparison that depends on it, nor as far as the next entry; what is
 * touched here is fetched all at once meanwhile. Any thread; on memory that may be read.
 */

/** Int32 words of a cache line: 64 bytes on every platform that Node has many users on. */
export const CACHE_LINE_WORDS = 16;

/** Touches every line from word `from` on, up to word `to`. */
export function touchLines(words: Int32Array, from: number, to: number): void {
  // Atomic loads: the compiler leaves plain ones out when their values are not used.
  for (let at = from; at < to; at += CACHE_LINE_WORDS) Atomics.load(words, at);
}

/**
 * Asking for cache lines before they are needed. A processor runs ahead of a load that misses its
 * caches, but not past a comparison that depends on it, nor as far as the next entry; what is
 * touched here is fetched all at once meanwhile. Any thread; on memory that may be read.
 */

/** Int32 words of a cache line: 64 bytes on every platform that Node has many users on. */
export const CACHE_LINE_WORDS = 16;

/** What was touched ends here, or the compiler would leave the loads out. */
const sink = new Int32Array(1);

/** Touches every line from word `from` on, up to word `to`. */
export function touchLines(words: Int32Array, from: number, to: number): void {
  let touched = 0;
  for (let at = from; at < to; at += CACHE_LINE_WORDS) touched ^= words[at]!;
  sink[0] = touched;
}

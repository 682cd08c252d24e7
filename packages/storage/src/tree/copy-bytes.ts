/**
 * Copies between page frames and other memory. Loops win for short runs: `set` and `copyWithin`
 * cost about a tenth of a microsecond before the first byte, more when one side is shared memory.
 */

/** From here on `set` of a subarray beats the word loop (measured, private to shared). */
const SET_BYTES_MIN = 384;
const SET_WORDS_MIN = SET_BYTES_MIN >> 2;

export function copyWords(
  target: Int32Array,
  to: number,
  source: Int32Array,
  from: number,
  words: number,
): void {
  if (words >= SET_WORDS_MIN) {
    target.set(source.subarray(from, from + words), to);
    return;
  }
  let i = 0;
  for (; i + 4 <= words; i += 4) {
    target[to + i] = source[from + i]!;
    target[to + i + 1] = source[from + i + 1]!;
    target[to + i + 2] = source[from + i + 2]!;
    target[to + i + 3] = source[from + i + 3]!;
  }
  for (; i < words; i++) target[to + i] = source[from + i]!;
}

export function copyBytes(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  bytes: number,
): void {
  if (bytes >= SET_BYTES_MIN) {
    target.set(source.subarray(from, from + bytes), to);
    return;
  }
  for (let i = 0; i < bytes; i++) target[to + i] = source[from + i]!;
}

/**
 * Copies unaligned bytes to the 4-aligned offset `to`, assembling words: four loads and one store
 * take half the time of four byte stores.
 */
export function copyBytesToWords(
  u8: Uint8Array,
  i32: Int32Array,
  to: number,
  source: Uint8Array,
  from: number,
  bytes: number,
): void {
  if (bytes >= SET_BYTES_MIN) {
    u8.set(source.subarray(from, from + bytes), to);
    return;
  }
  const words = bytes >> 2;
  const word = to >> 2;
  let at = from;
  for (let i = 0; i < words; i++, at += 4) {
    i32[word + i] =
      source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
  }
  for (let i = words << 2; i < bytes; i++) u8[to + i] = source[from + i]!;
}

/** As `copyBytesToWords` from a 4-aligned place that is also visible as words. */
export function copyAligned(
  u8: Uint8Array,
  i32: Int32Array,
  to: number,
  source: Uint8Array,
  sourceWords: Int32Array,
  from: number,
  bytes: number,
): void {
  if (bytes >= SET_BYTES_MIN) {
    u8.set(source.subarray(from, from + bytes), to);
    return;
  }
  const words = bytes >> 2;
  copyWords(i32, to >> 2, sourceWords, from >> 2, words);
  for (let i = words << 2; i < bytes; i++) u8[to + i] = source[from + i]!;
}

/** Length of the common beginning of two byte strings. */
export function commonBytes(
  a: Uint8Array,
  aAt: number,
  aBytes: number,
  b: Uint8Array,
  bAt: number,
  bBytes: number,
): number {
  const shorter = aBytes < bBytes ? aBytes : bBytes;
  let i = 0;
  while (i < shorter && a[aAt + i] === b[bAt + i]) i++;
  return i;
}

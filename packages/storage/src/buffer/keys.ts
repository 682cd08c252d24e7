/**
 * Hashing and comparing of keys. Keys inside a write buffer are 4-aligned, so they are taken word
 * by word; keys of a caller stand anywhere and are taken byte by byte. Free functions over typed
 * arrays and offsets: no object is made per key.
 *
 * Invariant: `hashKey` and `hashOwnKey` agree; what follows a key in its last word does not count.
 */
const MULTIPLIER = 0x9e3779b1 | 0;
const FINAL_MULTIPLIER = 0x85ebca6b | 0;

/** The bytes 0 to `bytes` - 1 of a word, 1 to 3 of them. */
function lowBytes(word: number, bytes: number): number {
  return word & ((1 << (bytes << 3)) - 1);
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, MULTIPLIER);
  return mixed ^ (mixed >>> 15);
}

function seed(familyId: number, keyBytes: number): number {
  return Math.imul(familyId + 1, FINAL_MULTIPLIER) ^ keyBytes;
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), FINAL_MULTIPLIER);
  return mixed ^ (mixed >>> 13);
}

/** Hash of a key and its column family: what `WriteBuffer.find` wants. An int32. */
export function hashKey(
  familyId: number,
  key: Uint8Array,
  offset: number,
  keyBytes: number,
): number {
  let hash = seed(familyId, keyBytes);
  const wholeEnd = offset + (keyBytes & ~3);
  let at = offset;
  for (; at < wholeEnd; at += 4) {
    hash = mix(hash, key[at] | (key[at + 1] << 8) | (key[at + 2] << 16) | (key[at + 3] << 24));
  }
  const rest = keyBytes & 3;
  if (rest !== 0) {
    let word = key[at];
    if (rest > 1) word |= key[at + 1] << 8;
    if (rest > 2) word |= key[at + 2] << 16;
    hash = mix(hash, word);
  }
  return finish(hash);
}

/** `hashKey` of a key that stands in the block at the 4-aligned `offset`. */
export function hashOwnKey(
  familyId: number,
  words: Int32Array,
  offset: number,
  keyBytes: number,
): number {
  let hash = seed(familyId, keyBytes);
  const end = (offset + keyBytes) >> 2;
  let word = offset >> 2;
  for (; word < end; word++) hash = mix(hash, words[word]);
  const rest = keyBytes & 3;
  if (rest !== 0) hash = mix(hash, lowBytes(words[word], rest));
  return finish(hash);
}

/** Whether `key[at .. at + bytes)` equals the bytes of the block from `offset` on. */
export function isKeyEqual(
  u8: Uint8Array,
  offset: number,
  key: Uint8Array,
  at: number,
  bytes: number,
): boolean {
  for (let i = 0; i < bytes; i++) {
    if (key[at + i] !== u8[offset + i]) return false;
  }
  return true;
}

/** Length of the common beginning of two keys of the block. */
export function commonOwnBytes(
  words: Int32Array,
  a: number,
  aBytes: number,
  b: number,
  bBytes: number,
): number {
  const shorter = aBytes < bBytes ? aBytes : bBytes;
  const aWord = a >> 2;
  const bWord = b >> 2;
  for (let i = 0; i << 2 < shorter; i++) {
    const difference = words[aWord + i] ^ words[bWord + i];
    if (difference === 0) continue;
    // The lowest set bit stands in the first byte that differs: words are little-endian.
    const bytes = (i << 2) + ((31 - Math.clz32(difference & -difference)) >> 3);
    return bytes < shorter ? bytes : shorter;
  }
  return shorter;
}

/** Sign of `key[at .. at + bytes)` - the key of the block at `offset`, in byte order. */
export function compareKey(
  key: Uint8Array,
  at: number,
  bytes: number,
  u8: Uint8Array,
  offset: number,
  offsetBytes: number,
): number {
  const shorter = bytes < offsetBytes ? bytes : offsetBytes;
  for (let i = 0; i < shorter; i++) {
    const difference = key[at + i] - u8[offset + i];
    if (difference !== 0) return difference;
  }
  return bytes - offsetBytes;
}

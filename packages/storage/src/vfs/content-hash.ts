/**
 * Hash of a simulated disk, to tell crash states apart. Chunks never change once they are in a
 * table, so each is read once. Single-threaded, not for anything that is stored.
 */

const hashes = new WeakMap<Uint8Array, number>();

/**
 * 53 bits; of whole words. Not a CRC: what holds its own CRC (a log block, its header) has the same
 * CRC as a whole, whatever stands in it.
 */
export function chunkHash(chunk: Uint8Array): number {
  let value = hashes.get(chunk);
  if (value === undefined) {
    const hash = new ContentHash();
    const { buffer, byteOffset, byteLength } = chunk;
    for (const word of new Int32Array(buffer, byteOffset, byteLength >> 2)) hash.add(word);
    value = hash.value();
    hashes.set(chunk, value);
  }
  return value;
}

/**
 * Hash of a table of chunks, a sum over its places: what differs from a table whose hash is known
 * is all that has to be looked at. Tables and hashes do not change.
 */
export class TableHash {
  static readonly EMPTY = new TableHash([], 0, 0);
  readonly table: readonly (Uint8Array | undefined)[];
  readonly #low: number;
  readonly #high: number;

  private constructor(table: readonly (Uint8Array | undefined)[], low: number, high: number) {
    this.table = table;
    this.#low = low;
    this.#high = high;
  }

  of(table: readonly (Uint8Array | undefined)[]): TableHash {
    let [low, high] = [this.#low, this.#high];
    const length = Math.max(table.length, this.table.length);
    for (let index = 0; index < length; index++) {
      const [before, now] = [this.table[index], table[index]];
      if (before === now) continue;
      for (const [chunk, sign] of [[before, -1] as const, [now, 1] as const]) {
        if (chunk === undefined) continue;
        const place = new ContentHash();
        place.add(index);
        place.addHash(chunkHash(chunk));
        low = (low + sign * place.low) | 0;
        high = (high + sign * place.high) | 0;
      }
    }
    return new TableHash(table, low, high);
  }

  addTo(hash: ContentHash): void {
    hash.add(this.#low);
    hash.add(this.#high);
  }
}

/** Two lanes of 32 bits (the mixing steps of MurmurHash3, A. Appleby, public domain). */
export class ContentHash {
  low = 0x9747b28c | 0;
  high = 0x5bd1e995 | 0;

  add(word: number): void {
    this.low = mixed(this.low, word | 0, 0xcc9e2d51 | 0, 0x1b873593);
    this.high = mixed(this.high, word | 0, 0x38b34ae5 | 0, 0xa1e38b93 | 0);
  }

  /** What `value` returned for something else. */
  addHash(value: number): void {
    this.add(value);
    this.add(value / 2 ** 32);
  }

  addText(text: string): void {
    for (let i = 0; i < text.length; i++) this.add(text.charCodeAt(i));
    this.add(-1);
  }

  /** 53 bits. */
  value(): number {
    return (this.high >>> 11) * 2 ** 32 + (this.low >>> 0);
  }
}

function mixed(hash: number, word: number, first: number, second: number): number {
  let key = Math.imul(word, first);
  key = (key << 15) | (key >>> 17);
  const next = hash ^ Math.imul(key, second);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

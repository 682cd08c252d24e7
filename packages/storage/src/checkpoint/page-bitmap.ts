/**
 * A growable set of page numbers, one bit each. Private to one thread. Same bit order as the free
 * map on disk (`format/free-map.ts`), so chunks are copied as bytes.
 */
const INITIAL_WORDS = 64;
const NONE = -1;

export class PageBitmap {
  /** Bit p & 31 of word p >>> 5 is page p. */
  words: Int32Array = new Int32Array(INITIAL_WORDS);
  /** Pages in the set. */
  count = 0;
  /** No page of the set stands in a word before this one. */
  #lowestWord = 0;

  has(page: number): boolean {
    const word = page >>> 5;
    return word < this.words.length && (this.words[word]! & (1 << (page & 31))) !== 0;
  }

  /** Returns whether the page was new to the set. */
  add(page: number): boolean {
    const word = page >>> 5;
    if (word >= this.words.length) this.#grow(word + 1);
    const bit = 1 << (page & 31);
    if ((this.words[word]! & bit) !== 0) return false;
    this.words[word]! |= bit;
    this.count++;
    if (word < this.#lowestWord) this.#lowestWord = word;
    return true;
  }

  /** Returns whether the page was in the set. */
  delete(page: number): boolean {
    if (!this.has(page)) return false;
    this.words[page >>> 5]! &= ~(1 << (page & 31));
    this.count--;
    return true;
  }

  clear(): void {
    this.words.fill(0);
    this.count = 0;
    this.#lowestWord = 0;
  }

  copy(): PageBitmap {
    const copy = new PageBitmap();
    copy.words = this.words.slice();
    copy.count = this.count;
    copy.#lowestWord = this.#lowestWord;
    return copy;
  }

  /** Lowest page of the set that is >= `from`, or -1. */
  next(from: number): number {
    const { words } = this;
    let word = from >>> 5;
    if (word >= words.length) return NONE;
    let bits = words[word]! & (-1 << (from & 31));
    while (bits === 0) {
      word++;
      if (word >= words.length) return NONE;
      bits = words[word]!;
    }
    return word * 32 + lowestBit(bits);
  }

  /** All pages, ascending. */
  toArray(): Int32Array {
    const pages = new Int32Array(this.count);
    let at = 0;
    for (let page = this.next(0); page !== NONE; page = this.next(page + 1)) pages[at++] = page;
    return pages;
  }

  /** Takes up to `count` of the lowest pages out of the set, ascending. */
  takeLowest(count: number): Int32Array {
    const pages = new Int32Array(Math.min(count, this.count));
    let page = this.#lowestWord * 32 - 1;
    for (let i = 0; i < pages.length; i++) {
      page = this.next(page + 1);
      pages[i] = page;
      this.words[page >>> 5]! &= ~(1 << (page & 31));
    }
    this.count -= pages.length;
    if (pages.length > 0) this.#lowestWord = page >>> 5;
    if (this.count === 0) this.#lowestWord = this.words.length;
    return pages;
  }

  /** View of the bits of pages `from`... as bytes; `from` is a multiple of 8. */
  bytes(from: number, pageCount: number): Uint8Array {
    const start = from >>> 3;
    const end = Math.min(start + (pageCount >>> 3), this.words.byteLength);
    if (start >= end) return new Uint8Array(0);
    return new Uint8Array(this.words.buffer, this.words.byteOffset + start, end - start);
  }

  /** Adds the pages of a chunk of bits as it stands on disk. */
  addBytes(from: number, bits: Uint8Array): void {
    for (let i = 0; i < bits.length; i++) {
      const byte = bits[i]!;
      if (byte === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        if ((byte & (1 << bit)) !== 0) this.add(from + i * 8 + bit);
      }
    }
  }

  /** Highest page of the set, or -1. */
  highest(): number {
    for (let word = this.words.length - 1; word >= 0; word--) {
      const bits = this.words[word]!;
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits);
    }
    return NONE;
  }

  #grow(words: number): void {
    const grown = new Int32Array(Math.max(words, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

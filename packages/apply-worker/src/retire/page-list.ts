/** A growable list of superseded pages, read from the front. Private to apply worker 0. */
const FIELDS = 3;
const INITIAL_PAGES = 64;

export class PageList {
  /** Page, birth, sequence that superseded it. */
  #data = new Float64Array(INITIAL_PAGES * FIELDS);
  #start = 0;
  #end = 0;

  get count(): number {
    return this.#end - this.#start;
  }

  push(page: number, birth: number, supersededAt: number): void {
    if ((this.#end + 1) * FIELDS > this.#data.length) this.#makeRoom();
    const at = this.#end++ * FIELDS;
    this.#data[at] = page;
    this.#data[at + 1] = birth;
    this.#data[at + 2] = supersededAt;
  }

  page(index: number): number {
    return this.#data[(this.#start + index) * FIELDS]!;
  }

  birth(index: number): number {
    return this.#data[(this.#start + index) * FIELDS + 1]!;
  }

  supersededAt(index: number): number {
    return this.#data[(this.#start + index) * FIELDS + 2]!;
  }

  /** Drops the first `count` pages. */
  drop(count: number): void {
    this.#start += count;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  #makeRoom(): void {
    const used = this.#data.subarray(this.#start * FIELDS, this.#end * FIELDS);
    if (this.count * 2 <= this.#data.length / FIELDS) {
      this.#data.copyWithin(0, this.#start * FIELDS, this.#end * FIELDS);
    } else {
      const grown = new Float64Array(this.#data.length * 2);
      grown.set(used);
      this.#data = grown;
    }
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/**
 * A queue in the order of arrival. An array's `shift` moves all that is left, which for the tens of
 * thousands of operations that may wait costs more than everything else together. One thread.
 */

/** Empty slots at the front before they are given up. */
const COMPACT_AT = 1024;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest, which stays; `undefined` when there is none. */
  peek(): T | undefined {
    return this.#items[this.#first];
  }

  /** Removes the oldest. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    // At least half is empty: each item is moved at most once on average.
    if (this.#first >= COMPACT_AT && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Removes and returns all, oldest first. */
  drain(): T[] {
    const items = this.#items.slice(this.#first) as T[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}

/**
 * What an ordered map with ranges must answer, in the plainest way: a sorted array and filters. The
 * orders are written down here once more, from the documentation, not from the engine. Test thread.
 */
import type { KeyBounds, KeyRange, OrderedKey } from '@manifold-db/core';

/** Order and prefix of one key encoding. */
export interface KeyOrder<K> {
  compare(a: K, b: K): number;
  hasPrefix(key: K, prefix: K): boolean;
}

export class Oracle<K, V> {
  readonly #order: KeyOrder<K>;
  #entries: [K, V][] = [];

  constructor(order: KeyOrder<K>) {
    this.#order = order;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** One of its own with the same entries. */
  copy(): Oracle<K, V> {
    const copy = new Oracle<K, V>(this.#order);
    copy.#entries = [...this.#entries];
    return copy;
  }

  /** Index of the first entry at or behind the key. */
  #find(key: K): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order.compare(this.#entries[middle]![0], key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #has(at: number, key: K): boolean {
    return at < this.#entries.length && this.#order.compare(this.#entries[at]![0], key) === 0;
  }

  get(key: K): V | undefined {
    const at = this.#find(key);
    return this.#has(at, key) ? this.#entries[at]![1] : undefined;
  }

  put(key: K, value: V): void {
    const at = this.#find(key);
    this.#entries.splice(at, this.#has(at, key) ? 1 : 0, [key, value]);
  }

  delete(key: K): void {
    const at = this.#find(key);
    if (this.#has(at, key)) this.#entries.splice(at, 1);
  }

  clear(bounds: KeyBounds<K> = {}): void {
    this.#entries = this.#entries.filter(([key]) => !this.isWithin(key, bounds));
  }

  isWithin(key: K, { gt, gte, lt, lte, prefix }: KeyBounds<K>): boolean {
    const { compare, hasPrefix } = this.#order;
    if (gt !== undefined && compare(key, gt) <= 0) return false;
    if (gte !== undefined && compare(key, gte) < 0) return false;
    if (lt !== undefined && compare(key, lt) >= 0) return false;
    if (lte !== undefined && compare(key, lte) > 0) return false;
    return prefix === undefined || hasPrefix(key, prefix);
  }

  range(range: KeyRange<K> = {}): [K, V][] {
    const found = this.#entries.filter(([key]) => this.isWithin(key, range));
    if (range.reverse === true) found.reverse();
    return found.slice(0, range.limit ?? found.length);
  }

  /** What a walk shows after `seek(key)`. */
  from(key: K, range: KeyRange<K> = {}): [K, V][] {
    const sign = range.reverse === true ? -1 : 1;
    return this.range(range).filter(([other]) => sign * this.#order.compare(other, key) >= 0);
  }

  keys(): K[] {
    return this.#entries.map(([key]) => key);
  }
}

export const bufferOrder: KeyOrder<Buffer> = {
  compare: (a, b) => Buffer.compare(a, b),
  hasPrefix: (key, prefix) => key.subarray(0, prefix.length).equals(prefix),
};

/** By code points, which is the order of the UTF-8 bytes. */
export const utf8Order: KeyOrder<string> = {
  compare: (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
  hasPrefix: (key, prefix) => key.startsWith(prefix),
};

const KINDS = ['boolean', 'number', 'string', 'object'];

function compareOrdered(a: OrderedKey, b: OrderedKey): number {
  if (typeof a !== typeof b) return KINDS.indexOf(typeof a) - KINDS.indexOf(typeof b);
  if (typeof a === 'string') return utf8Order.compare(a, b as string);
  // No difference: infinities have none.
  if (typeof a !== 'object') return a < b ? -1 : Number(a > b);
  const other = b as readonly OrderedKey[];
  for (let at = 0; at < Math.min(a.length, other.length); at++) {
    const order = compareOrdered(a[at]!, other[at]!);
    if (order !== 0) return order;
  }
  return a.length - other.length;
}

export const orderedOrder: KeyOrder<OrderedKey> = {
  compare: compareOrdered,
  hasPrefix: (key, prefix) => {
    if (!Array.isArray(key) || !Array.isArray(prefix)) return false;
    const start = (key as OrderedKey[]).slice(0, prefix.length);
    return compareOrdered(start, prefix as OrderedKey[]) === 0;
  },
};

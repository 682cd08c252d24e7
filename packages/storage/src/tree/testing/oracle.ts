/**
 * A sorted array of entries: the slow and obvious map that trees are compared with.
 */
export interface OracleEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class Oracle {
  entries: OracleEntry[] = [];

  get size(): number {
    return this.entries.length;
  }

  /** Index of the first entry with a key >= `key`. */
  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.entries[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(key: Uint8Array): boolean {
    const entry = this.entries[this.lowerBound(key)];
    return entry !== undefined && Buffer.compare(entry.key, key) === 0;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.has(key) ? this.entries[this.lowerBound(key)]!.value : undefined;
  }

  /** True when the key is new. */
  put(key: Uint8Array, value: Uint8Array): boolean {
    const isNew = !this.has(key);
    const entry = { key: key.slice(), value: value.slice() };
    this.entries.splice(this.lowerBound(key), isNew ? 0 : 1, entry);
    return isNew;
  }

  delete(key: Uint8Array): boolean {
    const had = this.has(key);
    if (had) this.entries.splice(this.lowerBound(key), 1);
    return had;
  }

  deleteRange(low: Uint8Array | undefined, high: Uint8Array | undefined): number {
    const [from, to] = this.range(low, high);
    this.entries.splice(from, to - from);
    return to - from;
  }

  count(low: Uint8Array | undefined, high: Uint8Array | undefined): number {
    const [from, to] = this.range(low, high);
    return to - from;
  }

  copy(): Oracle {
    const copy = new Oracle();
    copy.entries = this.entries.slice();
    return copy;
  }

  private range(low: Uint8Array | undefined, high: Uint8Array | undefined): [number, number] {
    const from = low === undefined ? 0 : this.lowerBound(low);
    const to = high === undefined ? this.entries.length : this.lowerBound(high);
    return [from, Math.max(from, to)];
  }
}

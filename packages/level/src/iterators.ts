/**
 * The three iterators of abstract-level over a {@link Scan}. Main thread.
 */
import {
  AbstractIterator,
  AbstractKeyIterator,
  AbstractValueIterator,
  type AbstractIteratorOptions,
  type AbstractKeyIteratorOptions,
  type AbstractValueIteratorOptions,
} from 'abstract-level';
import type { Format } from './keys.js';
import type { Scan, ScanOptions, Select } from './scan.js';

/** What abstract-level hands over: the user's options, with bounds encoded. */
export interface EntryOptions extends ScanOptions {
  readonly keys: boolean;
  readonly values: boolean;
}

/** What has to be read for an iterator over entries. */
export function selectOf(options: EntryOptions): Select {
  if (!options.values) return 'keys';
  return options.keys ? 'entries' : 'values';
}

type Pair = [Format | undefined, unknown];

const PAIRS: Readonly<Record<Select, (item: unknown) => Pair>> = {
  keys: (key) => [key as Format, undefined],
  values: (value) => [undefined, value],
  entries: (entry) => entry as Pair,
};

export class ManifoldIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #scan: Scan;
  readonly #pairOf: (item: unknown) => Pair;

  constructor(db: TDatabase, scan: Scan, options: EntryOptions) {
    super(db, options as object as AbstractIteratorOptions<K, V>);
    this.#scan = scan;
    this.#pairOf = PAIRS[selectOf(options)];
  }

  async _next(): Promise<Pair | undefined> {
    const item = await this.#scan.next();
    return item === undefined ? undefined : this.#pairOf(item);
  }

  async _nextv(size: number): Promise<Pair[]> {
    const items = await this.#scan.nextMany(size);
    return items.map(this.#pairOf);
  }

  _seek(target: Format): void {
    this.#scan.seek(target);
  }

  async _close(): Promise<void> {
    this.#scan.close();
  }
}

export class ManifoldKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #scan: Scan;

  constructor(db: TDatabase, scan: Scan, options: ScanOptions) {
    super(db, options as object as AbstractKeyIteratorOptions<K>);
    this.#scan = scan;
  }

  _next(): Promise<unknown> {
    return this.#scan.next();
  }

  _nextv(size: number): Promise<unknown[]> {
    return this.#scan.nextMany(size);
  }

  _seek(target: Format): void {
    this.#scan.seek(target);
  }

  async _close(): Promise<void> {
    this.#scan.close();
  }
}

export class ManifoldValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #scan: Scan;

  constructor(db: TDatabase, scan: Scan, options: ScanOptions) {
    super(db, options as object as AbstractValueIteratorOptions<K, V>);
    this.#scan = scan;
  }

  _next(): Promise<unknown> {
    return this.#scan.next();
  }

  _nextv(size: number): Promise<unknown[]> {
    return this.#scan.nextMany(size);
  }

  _seek(target: Format): void {
    this.#scan.seek(target);
  }

  async _close(): Promise<void> {
    this.#scan.close();
  }
}

/**
 * The walk behind the three kinds of iterators: entries, keys and values of one state of the
 * database, forwards or backwards. Main thread.
 *
 * Invariants
 * 1. Everything comes out of one snapshot, taken when the iterator was made, or given by the user.
 *    It is held until `close`, because `seek` may go back after the walk has reached its end.
 * 2. A walk of the engine is made when it is first read from; it is gone at its end.
 * 3. Keys leave in the format that was asked for, whatever the encoding of the walk.
 */
import type { Database, Entries, KeyBounds, Snapshot } from '@manifold-db/core';
import { translated } from './errors.js';
import type { Families } from './families.js';
import {
  bytesOf,
  engineEncoding,
  isOutside,
  storedBounds,
  storedTarget,
  textOf,
  userBytes,
  userText,
  type EngineEncoding,
  type Format,
  type GivenBounds,
} from './keys.js';
import { engineSnapshot } from './snapshot.js';

/**
 * The first of so many entries is read with the event loop running, the others are mostly in
 * memory by then: that is the number that the engine reads at once.
 */
const CHUNK_ENTRIES = 512;

export type Select = 'entries' | 'keys' | 'values';

/** What abstract-level hands to `_iterator`, `_keys` and `_values`, as far as it is used here. */
export interface ScanOptions extends GivenBounds {
  readonly reverse: boolean;
  /** -1: no limit. */
  readonly limit: number;
  readonly keyEncoding: string;
  readonly valueEncoding: string;
  readonly snapshot?: unknown;
  readonly signal?: AbortSignal | null | undefined;
}

/** What a scan needs of its database. */
export interface ScanHome {
  readonly database: Database;
  readonly families: Families;
}

/** The name by which the web knows it, and the code of abstract-level. */
class AbortError extends Error {
  readonly code = 'LEVEL_ABORTED';

  constructor(cause: unknown) {
    super('Operation has been aborted', { cause });
    this.name = 'AbortError';
  }
}

export class Scan {
  readonly #home: ScanHome;
  readonly #options: ScanOptions;
  readonly #select: Select;
  readonly #encoding: EngineEncoding;
  readonly #snapshot: Snapshot;
  readonly #ownsSnapshot: boolean;
  #left: number;
  #walk: Entries<unknown, Format> | undefined;
  #steps: AsyncIterableIterator<unknown, undefined> | undefined;
  #walkEncoding: EngineEncoding = 'utf8';
  /** Where the next walk begins, when that is not the start of the range. */
  #target: Format | undefined;
  #hasEnded = false;

  constructor(home: ScanHome, options: ScanOptions, select: Select) {
    this.#home = home;
    this.#options = options;
    this.#select = select;
    this.#encoding = engineEncoding(options.keyEncoding);
    this.#left = options.limit < 0 ? Infinity : options.limit;
    const given = engineSnapshot(options.snapshot);
    this.#ownsSnapshot = given === undefined;
    this.#snapshot = given ?? home.database.snapshot();
  }

  /** The next key, value or pair; `undefined` at the end. */
  next(): Promise<unknown> {
    return translated(async () => {
      const items = await this.#read(1);
      return items[0];
    });
  }

  nextMany(size: number): Promise<unknown[]> {
    return translated(() => this.#read(size));
  }

  seek(target: Format): void {
    const isIn = !isOutside(target, this.#options);
    const stored = isIn ? storedTarget(target, this.#options.reverse) : undefined;
    this.#hasEnded = stored === undefined;
    this.#target = stored;
    if (stored === undefined || this.#walk === undefined) return;
    const key = inEncoding(stored, this.#walkEncoding);
    if (key === undefined) this.#endWalk();
    else this.#walk.seek(key);
  }

  close(): void {
    this.#endWalk();
    if (this.#ownsSnapshot) this.#snapshot.close();
  }

  async #read(size: number): Promise<unknown[]> {
    const { signal } = this.#options;
    const items: unknown[] = [];
    if (this.#hasEnded) return items;
    const walk = (this.#walk ??= this.#begin());
    const steps = (this.#steps ??= walk[Symbol.asyncIterator]());
    while (items.length < size) {
      const isWaiting = items.length % CHUNK_ENTRIES === 0;
      const step = isWaiting ? await steps.next() : walk.next();
      if (signal?.aborted === true) throw new AbortError(signal.reason);
      if (step.done === true) {
        this.#hasEnded = true;
        this.#endWalk();
        break;
      }
      items.push(this.#itemOf(step.value));
      this.#left--;
    }
    return items;
  }

  #begin(): Entries<unknown, Format> {
    const { bounds, encoding } = storedBounds(this.#options, this.#encoding);
    const target = this.#target;
    const isText = target === undefined || inEncoding(target, encoding) !== undefined;
    this.#walkEncoding = isText ? encoding : 'buffer';
    const walk = this.#open(bounds, encoding);
    if (target !== undefined) walk.seek(inEncoding(target, this.#walkEncoding)!);
    return walk;
  }

  #open(given: KeyBounds<Format>, encoding: EngineEncoding): Entries<unknown, Format> {
    const isSame = encoding === this.#walkEncoding;
    const range = {
      ...(isSame ? given : boundsInBytes(given)),
      reverse: this.#options.reverse,
      limit: this.#left,
      snapshot: this.#snapshot,
    };
    const valueEncoding = engineEncoding(this.#options.valueEncoding);
    const family = this.#home.families.get(this.#walkEncoding, valueEncoding);
    if (this.#select === 'keys') return family.keys(range);
    return this.#select === 'values' ? family.values(range) : family.entries(range);
  }

  #endWalk(): void {
    this.#walk?.close();
    this.#walk = undefined;
    this.#steps = undefined;
  }

  #itemOf(item: unknown): unknown {
    if (this.#select === 'values') return item;
    if (this.#select === 'keys') return this.#keyOf(item as Format);
    const entry = item as [Format, unknown];
    entry[0] = this.#keyOf(entry[0]);
    return entry;
  }

  #keyOf(key: Format): Format {
    if (typeof key === 'string') return userText(key);
    const bytes = userBytes(key);
    return this.#encoding === 'utf8' ? textOf(bytes) : bytes;
  }
}

/** `undefined` for bytes that are asked for as text: not every key is text. */
function inEncoding(key: Format, encoding: EngineEncoding): Format | undefined {
  if (encoding === 'buffer') return bytesOf(key);
  return typeof key === 'string' ? key : undefined;
}

function boundsInBytes(bounds: KeyBounds<Format>): KeyBounds<Format> {
  const entries = Object.entries(bounds) as [string, Format][];
  return Object.fromEntries(entries.map(([name, key]) => [name, bytesOf(key)]));
}

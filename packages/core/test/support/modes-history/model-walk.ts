/**
 * What an iterator must show, and which keys it has shown: over a copy of the entries, so it keeps
 * the state of the moment it was made.
 */
import type { KeyRange } from '@manifold-db/core';
import { utf8Order, type Oracle } from '../api-oracle.js';
import type { Select } from './commands.js';

/** One stretch of a walk, from its start or a `seek` on; a transaction checks it at commit. */
class Stretch {
  readonly #contents: Oracle<string, string>;
  readonly #range: KeyRange<string>;
  readonly #start: string | undefined;
  last: string | undefined;
  reachedEnd = false;

  constructor(
    contents: Oracle<string, string>,
    range: KeyRange<string>,
    start: string | undefined,
  ) {
    this.#contents = contents;
    this.#range = range;
    this.#start = start;
  }

  /** Whether the key, there or not, was shown to be so. */
  covers(key: string): boolean {
    if (!this.#contents.isWithin(key, this.#range)) return false;
    const sign = this.#range.reverse === true ? -1 : 1;
    const { compare } = utf8Order;
    if (this.#start !== undefined && sign * compare(key, this.#start) < 0) return false;
    if (this.reachedEnd) return true;
    return this.last !== undefined && sign * compare(key, this.last) <= 0;
  }
}

export class ModelWalk {
  readonly #entries: readonly [string, string][];
  readonly #contents: Oracle<string, string>;
  readonly #range: KeyRange<string>;
  readonly #select: Select;
  #left: number;
  #at = 0;
  #isClosed = false;
  /** Where reading began; none while nothing was asked for, and outside the range. */
  #stretch: Stretch | undefined;
  readonly stretches: Stretch[] = [];

  constructor(contents: Oracle<string, string>, range: KeyRange<string>, select: Select) {
    const { limit, ...unlimited } = range;
    this.#entries = contents.range(unlimited);
    this.#contents = contents;
    this.#range = range;
    this.#select = select;
    this.#left = limit ?? Infinity;
    this.#begin(undefined);
  }

  /** The next item, or `undefined` at the end. */
  next(): unknown {
    if (this.#isClosed) return undefined;
    const entry = this.#left === 0 ? undefined : this.#entries[this.#at];
    if (entry === undefined) {
      if (this.#left > 0 && this.#stretch !== undefined) this.#stretch.reachedEnd = true;
      this.#isClosed = true;
      return undefined;
    }
    this.#left--;
    this.#at++;
    if (this.#stretch !== undefined) this.#stretch.last = entry[0];
    if (this.#select === 'entries') return entry;
    return this.#select === 'keys' ? entry[0] : entry[1];
  }

  /** Up to `count` items; fewer at the end. */
  take(count: number): unknown[] {
    const items: unknown[] = [];
    for (let item; items.length < count && (item = this.next()) !== undefined;) items.push(item);
    return items;
  }

  seek(key: string): void {
    if (this.#isClosed) return;
    const sign = this.#range.reverse === true ? -1 : 1;
    const isAhead = ([other]: [string, string]) => sign * utf8Order.compare(other, key) >= 0;
    const found = this.#entries.findIndex(isAhead);
    this.#at = found < 0 ? this.#entries.length : found;
    this.#begin(key);
  }

  close(): void {
    this.#isClosed = true;
  }

  /** A stretch from the key on; from the near end of the range if the key lies before it. */
  #begin(key: string | undefined): void {
    const isInside = key !== undefined && this.#contents.isWithin(key, this.#range);
    this.#stretch = undefined;
    if (key !== undefined && !isInside && this.#isBehindRange(key)) return;
    this.#stretch = new Stretch(this.#contents, this.#range, isInside ? key : undefined);
    this.stretches.push(this.#stretch);
  }

  /** Whether a key outside the range lies beyond the end that the walk comes to last. */
  #isBehindRange(key: string): boolean {
    const { reverse, limit: _limit, gt, gte, lt, lte, prefix } = this.#range;
    const { compare } = utf8Order;
    const isBelow =
      (gt !== undefined && compare(key, gt) <= 0) ||
      (gte !== undefined && compare(key, gte) < 0) ||
      (prefix !== undefined && compare(key, prefix) < 0);
    const isAbove =
      (lt !== undefined && compare(key, lt) >= 0) ||
      (lte !== undefined && compare(key, lte) > 0) ||
      (prefix !== undefined && !isBelow);
    return reverse === true ? isBelow : isAbove && !isBelow;
  }
}

/**
 * Ranges of keys as ranges of bytes. Any thread.
 *
 * In bytes a range is `[low, high)`. The key right behind `k` is `k` with a zero byte, which turns
 * `gt` and `lte` into bounds of that form. A bound may therefore have one byte more than a
 * key (BOUND_BYTES_MAX of storage).
 */
import type { KeyBounds, KeyRange } from '../types.js';
import { copyOut, requireBytes } from './bytes.js';
import { describe } from './describe.js';
import { encodeKey, encodeSuccessor, type KeyEncoding } from './encoding.js';

/** A range without limit has this one. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

const BYTE_MAX = 0xff;
const EMPTY = Buffer.alloc(0);
const EMPTY_SUCCESSOR = Buffer.of(0);

const BOUND_NAMES = ['gt', 'gte', 'lt', 'lte', 'prefix'] as const;
/** Options of `Range` that others look at. */
const OTHER_NAMES = ['reverse', 'limit', 'snapshot', 'consistency'] as const;

/**
 * Keys k with low <= k < high; `undefined` leaves a side open. A range of nothing has low = high.
 */
export interface ByteBounds {
  readonly low: Buffer | undefined;
  readonly high: Buffer | undefined;
}

export interface ByteRange extends ByteBounds {
  readonly reverse: boolean;
  /** Most entries, 0 to NO_LIMIT. */
  readonly limit: number;
}

const EVERYTHING: ByteBounds = { low: undefined, high: undefined };
const WHOLE_RANGE: ByteRange = { ...EVERYTHING, reverse: false, limit: NO_LIMIT };

/** The least bytes above everything that begins with `prefix`, or `undefined` if nothing is. */
export function nextPrefix(prefix: Buffer): Buffer | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === BYTE_MAX) length--;
  if (length === 0) return undefined;
  const next = copyOut(prefix, 0, length);
  next[length - 1] = next[length - 1] + 1;
  return next;
}

/**
 * An empty bound, which the encodings refuse as a key. It is below every key, so that
 * `{ gt: lastKey }` can start from `''`.
 */
function isEmpty<K>(key: K, encoding: KeyEncoding<K>, argument: string): boolean {
  if (encoding.name === 'utf8') return key === '';
  if (encoding.name !== 'buffer') return false;
  return requireBytes(key, argument) === 0;
}

function boundBytes<K>(key: K, encoding: KeyEncoding<K>, argument: string): Buffer {
  return isEmpty(key, encoding, argument) ? EMPTY : encodeKey(encoding, key, argument);
}

function successor<K>(key: K, encoding: KeyEncoding<K>, argument: string): Buffer {
  if (isEmpty(key, encoding, argument)) return EMPTY_SUCCESSOR;
  return encodeSuccessor(encoding, key, argument);
}

function prefixBounds<K>(prefix: K, encoding: KeyEncoding<K>): ByteBounds {
  if (encoding.name === 'ordered' && !Array.isArray(prefix)) {
    throw new TypeError(
      `range.prefix must be an array with the encoding 'ordered', not ${describe(prefix)}`,
    );
  }
  const low = boundBytes(prefix, encoding, 'range.prefix');
  return low.length === 0 ? EVERYTHING : { low, high: nextPrefix(low) };
}

function lowBound<K>(range: KeyBounds<K>, encoding: KeyEncoding<K>): Buffer | undefined {
  const { gt, gte } = range;
  if (gt === undefined)
    return gte === undefined ? undefined : boundBytes(gte, encoding, 'range.gte');
  if (gte !== undefined) throw new TypeError('range.gt and range.gte exclude each other');
  return successor(gt, encoding, 'range.gt');
}

function highBound<K>(range: KeyBounds<K>, encoding: KeyEncoding<K>): Buffer | undefined {
  const { lt, lte } = range;
  if (lt === undefined) {
    return lte === undefined ? undefined : successor(lte, encoding, 'range.lte');
  }
  if (lte !== undefined) throw new TypeError('range.lt and range.lte exclude each other');
  return boundBytes(lt, encoding, 'range.lt');
}

function encodeChecked<K>(range: KeyBounds<K>, encoding: KeyEncoding<K>): ByteBounds {
  const { prefix } = range;
  if (prefix !== undefined) {
    for (const name of BOUND_NAMES) {
      if (name === 'prefix' || range[name] === undefined) continue;
      throw new TypeError(`range.prefix and range.${name} exclude each other`);
    }
    return prefixBounds(prefix, encoding);
  }
  const low = lowBound(range, encoding);
  const high = highBound(range, encoding);
  if (low !== undefined && high !== undefined && Buffer.compare(low, high) > 0) {
    return { low, high: low };
  }
  return { low, high };
}

/** A misspelt bound would mean all of the family; `clear` would not forgive that. */
function requireNames(range: unknown, allowed: readonly string[]): asserts range is object {
  if (typeof range !== 'object' || range === null || Array.isArray(range)) {
    throw new TypeError(`range must be an object, not ${describe(range)}`);
  }
  for (const name in range) {
    if (allowed.includes(name)) continue;
    throw new TypeError(`range.${name} is not an option here; there are ${allowed.join(', ')}`);
  }
}

const RANGE_NAMES: readonly string[] = [...BOUND_NAMES, ...OTHER_NAMES];

/**
 * The bounds of a range, for `clear`.
 *
 * @throws TypeError for conflicting, misspelt or mistyped bounds, and for those the encoding
 * refuses
 */
export function encodeBounds<K>(
  range: KeyBounds<K> | undefined,
  encoding: KeyEncoding<K>,
): ByteBounds {
  if (range === undefined) return EVERYTHING;
  requireNames(range, BOUND_NAMES);
  return encodeChecked(range, encoding);
}

function limitOf(limit: unknown): number {
  if (limit === undefined || limit === Infinity) return NO_LIMIT;
  if (typeof limit !== 'number') {
    throw new TypeError(`range.limit must be a number, not ${describe(limit)}`);
  }
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`range.limit must be a whole number of at least 0, not ${limit}`);
  }
  return limit;
}

/**
 * A range for scans and counts; its `snapshot` and `consistency` are the reader's to look at.
 *
 * @throws TypeError as `encodeBounds`; RangeError for a limit that is no whole number
 */
export function encodeRange<K>(
  range: KeyRange<K> | undefined,
  encoding: KeyEncoding<K>,
): ByteRange {
  if (range === undefined) return WHOLE_RANGE;
  requireNames(range, RANGE_NAMES);
  const { reverse } = range;
  if (reverse !== undefined && typeof reverse !== 'boolean') {
    throw new TypeError(`range.reverse must be a boolean, not ${describe(reverse)}`);
  }
  const limit = limitOf(range.limit);
  // Not spread: that takes ten times as long as all the rest.
  const { low, high } = encodeChecked(range, encoding);
  return { low, high, reverse: reverse ?? false, limit };
}

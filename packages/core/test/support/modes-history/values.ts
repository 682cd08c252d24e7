/**
 * Keys and values by name. Few keys, so that commands meet; long ones, prefixes of one another, and
 * ones whose order as UTF-8 and as UTF-16 differs among them.
 */
import type { KeyBounds, KeyRange } from '@manifold-db/core';
import { checksum } from '@manifold-db/storage';
import type { RangeSpec, ValueSpec } from './commands.js';

export const FAMILIES = ['default', 'blue', 'green'];
export const BULK_KEYS = 2000;
const LONG_KEY_LENGTH = 900;
const LONG_KEY = /^long(\d)$/;

const PLAIN_KEYS = [
  'a',
  'a0',
  'a00',
  'a1',
  'aa',
  'ab',
  'a\0',
  'b',
  'b5',
  'b50',
  'c',
  'd',
  'z',
  'zz',
];
const OTHER_KEYS = ['é', 'é1', '\uffff', '😀', '😀x', 'long1', 'long2', 'long3'];
/** Among those that `bulkKey` gives. */
const NUMBERED_KEYS = ['n0000', 'n0001', 'n0500', 'n1000', 'n1999'];

export const KEY_NAMES = [...PLAIN_KEYS, ...OTHER_KEYS, ...NUMBERED_KEYS];

/** Bounds need not be keys that anybody writes. */
export const BOUND_NAMES = [...KEY_NAMES, '', 'a0!', 'az', 'n', 'n0250', 'n1', 'n1750', 'y', '~'];

export function keyOf(name: string): string {
  const digit = LONG_KEY.exec(name)?.[1];
  return digit === undefined ? name : 'long'.padEnd(LONG_KEY_LENGTH, '-') + digit;
}

export function bulkKey(index: number): string {
  return `n${String(index % BULK_KEYS).padStart(4, '0')}`;
}

export function valueOf([tag, length]: ValueSpec): string {
  const pattern = `${tag}${tag % 5 === 0 ? 'é' : '.'}`;
  return pattern.repeat(Math.ceil(length / pattern.length)).slice(0, length);
}

export function rangeOf(range: RangeSpec): KeyRange<string> {
  const named: Record<string, unknown> = { ...range };
  for (const [name, value] of Object.entries(named)) {
    if (typeof value === 'string') named[name] = keyOf(value);
  }
  return named as KeyRange<string>;
}

/** What `clear` takes of a range. */
export function boundsOf(range: RangeSpec): KeyBounds<string> {
  const { gt, gte, lt, lte, prefix } = rangeOf(range);
  return { gt, gte, lt, lte, prefix };
}

const TEXT_SHOWN = 24;

/** A text as it is read in a report: short ones whole, long ones by start, length and checksum. */
export function shortText(text: string): string {
  if (text.length <= TEXT_SHOWN) return JSON.stringify(text);
  const start = JSON.stringify(text.slice(0, TEXT_SHOWN));
  return `${start}… (${text.length} characters, checksum ${checksum(Buffer.from(text))})`;
}

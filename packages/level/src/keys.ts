/**
 * How keys of abstract-level stand in the column family `default`. Main thread.
 *
 * Here a key may be empty, which the engine refuses; every other key may be stored as it is. So a
 * key that is empty or begins with a NUL is stored behind one more NUL. That keeps all keys apart
 * and their order: those keys sort before all others in both forms, and among each other by what
 * follows the NUL they have in common. Any other tool finds ordinary keys unchanged.
 *
 * Reading a key that is too long to be stored finds nothing; a bound of a range may have any
 * length.
 */
import type { KeyBounds } from '@manifold-db/core';
import { LevelError } from './errors.js';

/** A key or value in the form in which abstract-level hands it over and takes it back. */
export type Format = string | Uint8Array;

/** What the engine stores at most, by its documentation. */
const STORED_BYTES_MAX = 1024;
const UTF8_BYTES_PER_UNIT_MAX = 3;
const BYTE_MAX = 0xff;
const NUL = '\0';

/** The name of an encoding of abstract-level, as an encoding of the engine. */
export type EngineEncoding = 'utf8' | 'buffer';

export function engineEncoding(format: string | undefined): EngineEncoding {
  return format === 'buffer' || format === 'view' ? 'buffer' : 'utf8';
}

/** Lone surrogates become U+FFFD, as in every conversion of a string into a Buffer. */
function storedText(key: string): string {
  const text = key.toWellFormed();
  return text.length === 0 || text.charCodeAt(0) === 0 ? NUL + text : text;
}

function storedBytes(key: Uint8Array): Uint8Array {
  if (key.length > 0 && key[0] !== 0) return key;
  const bytes = Buffer.alloc(key.length + 1);
  bytes.set(key, 1);
  return bytes;
}

function stored(key: Format): Format {
  return typeof key === 'string' ? storedText(key) : storedBytes(key);
}

function fits(key: Format): boolean {
  if (typeof key !== 'string') return key.length <= STORED_BYTES_MAX;
  if (key.length * UTF8_BYTES_PER_UNIT_MAX <= STORED_BYTES_MAX) return true;
  return Buffer.byteLength(key) <= STORED_BYTES_MAX;
}

/** The stored form, or `undefined` for a key that no entry can have. */
export function storedKey(key: Format): Format | undefined {
  const result = stored(key);
  return fits(result) ? result : undefined;
}

/** @throws LevelError `LEVEL_INVALID_KEY` for a key that is too long */
export function storableKey(key: Format): Format {
  const result = storedKey(key);
  if (result !== undefined) return result;
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : key.length;
  throw new LevelError(
    'LEVEL_INVALID_KEY',
    `Key cannot be longer than ${STORED_BYTES_MAX} bytes, ` +
      `or ${STORED_BYTES_MAX - 1} if it begins with a NUL; this one has ${bytes}`,
  );
}

/** A key as the user knows it, from its stored form. */
export function userText(key: string): string {
  return key.charCodeAt(0) === 0 ? key.slice(1) : key;
}

export function userBytes(key: Uint8Array): Uint8Array {
  return key[0] === 0 ? key.subarray(1) : key;
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

export function bytesOf(key: Format): Uint8Array {
  return typeof key === 'string' ? Buffer.from(key) : key;
}

/** The stored form of a bound or of the target of a seek. */
interface Bound {
  readonly key: Format;
  /** The bound was too long, and `key` is what fits of it: less than the bound itself. */
  readonly isCut: boolean;
}

/** No stored key lies between a bound that is too long and what fits of it. */
function boundOf(key: Format): Bound {
  const whole = stored(key);
  if (fits(whole)) return { key: whole, isCut: false };
  return { key: bytesOf(whole).subarray(0, STORED_BYTES_MAX), isCut: true };
}

/** The bounds that abstract-level hands over, encoded by it. */
export interface GivenBounds {
  readonly gt?: Format | undefined;
  readonly gte?: Format | undefined;
  readonly lt?: Format | undefined;
  readonly lte?: Format | undefined;
}

export interface StoredBounds {
  readonly bounds: KeyBounds<Format>;
  /** The encoding of all bounds. */
  readonly encoding: EngineEncoding;
}

/** The bounds in stored form. Of two bounds on one side the inclusive one counts, as in LevelDB. */
export function storedBounds(given: GivenBounds, encoding: EngineEncoding): StoredBounds {
  const bounds: KeyBounds<Format> = {};
  const low = given.gte ?? given.gt;
  if (low !== undefined) {
    const { key, isCut } = boundOf(low);
    if (given.gte === undefined || isCut) bounds.gt = key;
    else bounds.gte = key;
  }
  const high = given.lte ?? given.lt;
  if (high !== undefined) {
    const { key, isCut } = boundOf(high);
    if (given.lte === undefined && !isCut) bounds.lt = key;
    else bounds.lte = key;
  }
  return inOneEncoding(bounds, encoding);
}

/** Whether a target lies outside of the range; seeking it ends a walk, as in LevelDB. */
export function isOutside(target: Format, given: GivenBounds): boolean {
  const bytes = bytesOf(target);
  const low = given.gte ?? given.gt;
  if (low !== undefined) {
    const order = Buffer.compare(bytes, bytesOf(low));
    if (order < 0 || (order === 0 && given.gte === undefined)) return true;
  }
  const high = given.lte ?? given.lt;
  if (high === undefined) return false;
  const order = Buffer.compare(bytes, bytesOf(high));
  return order > 0 || (order === 0 && given.lte === undefined);
}

/** A bound that was cut may end within a character: then all of them are bytes. */
function inOneEncoding(bounds: KeyBounds<Format>, encoding: EngineEncoding): StoredBounds {
  const keys = Object.values(bounds) as Format[];
  if (encoding === 'utf8' && keys.every((key) => typeof key === 'string')) {
    return { bounds, encoding };
  }
  const entries = Object.entries(bounds) as [keyof KeyBounds<Format>, Format][];
  const inBytes = entries.map(([name, key]) => [name, bytesOf(key)] as const);
  return { bounds: Object.fromEntries(inBytes), encoding: 'buffer' };
}

/**
 * Where a walk continues that is to seek a key; `undefined` when nothing lies there. A target that
 * is too long is none of the stored keys: backwards the walk goes on at what fits of it, forwards
 * behind all that begins with that.
 */
export function storedTarget(target: Format, reverse: boolean): Format | undefined {
  const { key, isCut } = boundOf(target);
  return isCut && !reverse ? behind(key as Uint8Array) : key;
}

/** The first possible key behind a key of the greatest length. */
function behind(key: Uint8Array): Uint8Array | undefined {
  let length = key.length;
  while (length > 0 && key[length - 1] === BYTE_MAX) length--;
  if (length === 0) return undefined;
  const next = Buffer.from(key.subarray(0, length));
  next[length - 1] = next[length - 1]! + 1;
  return next;
}

/**
 * Key encoding `'ordered'`: booleans, numbers, strings and nested arrays as bytes whose order is
 * the natural order. Any thread; the module's variables are in use only inside one synchronous
 * call.
 *
 * | kind    | bytes                                                                             |
 * |---------|-----------------------------------------------------------------------------------|
 * | false   | 0x10                                                                              |
 * | true    | 0x11                                                                              |
 * | number  | 0x20, then the 8 bytes of the double, big-endian: a positive one with the sign bit |
 * |         | set, a negative one inverted; -0 is stored as 0                                   |
 * | string  | 0x30, then UTF-8                                                                  |
 * | array   | 0x40, then its elements                                                           |
 *
 * Inside an array a string or array ends with 0x00, and the bytes 0x00 and 0x01 of a string become
 * 0x01 0x01 and 0x01 0x02. A key itself ends where its bytes end.
 *
 * Invariants
 * 1. Order: false < true < numbers < strings < arrays. Every tag is above the terminator, so an
 *    array sorts before its extensions; so does a string, its bytes being at least 0x01.
 * 2. No element's bytes are a prefix of another element's bytes, so the keys that begin with the
 *    bytes of an array are exactly the arrays that begin with its elements (`bounds.ts` uses that).
 */
import { KEY_BYTES_MAX, assert } from '@manifold-db/storage';
import type { OrderedKey } from '../types.js';
import { describe } from './describe.js';
import { KEY_ENCODE_ROOM, type KeyEncoding } from './encoding.js';
import { readText, refuseLoneSurrogates, writeText } from './text.js';

/** Deepest nesting of arrays; `[1]` has depth 1. */
export const ORDERED_DEPTH_MAX = 16;

/** Tag and terminator of the longest string that `writeString` takes on, at 3 bytes a character. */
const STRING_BYTES_MAX = 3 * KEY_BYTES_MAX + 2;
assert(
  KEY_BYTES_MAX + STRING_BYTES_MAX + ORDERED_DEPTH_MAX <= KEY_ENCODE_ROOM,
  'a refused key may be written up to the end of its longest string',
);

const TERMINATOR = 0x00;
const ESCAPE = 0x01;
const TAG_FALSE = 0x10;
const TAG_TRUE = 0x11;
const TAG_NUMBER = 0x20;
const TAG_STRING = 0x30;
const TAG_ARRAY = 0x40;
const NUMBER_BYTES = 8;
const SIGN_BIT = 0x80000000;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const WORD_LOW = 0;
const WORD_HIGH = 1;
/** For strings with escapes on their way out. */
const unescaped = Buffer.alloc(KEY_BYTES_MAX);

/** Where the decoder stands in the key; set by `decode` and advanced by the readers below it. */
let position = 0;

function tooLong(argument: string): RangeError {
  return new RangeError(
    `${argument} must be at most ${KEY_BYTES_MAX} bytes long in the encoding 'ordered'`,
  );
}

function writeWord(word: number, target: Buffer, offset: number): void {
  target[offset] = word >>> 24;
  target[offset + 1] = word >>> 16;
  target[offset + 2] = word >>> 8;
  target[offset + 3] = word;
}

function readWord(source: Buffer, offset: number): number {
  return (
    ((source[offset] << 24) |
      (source[offset + 1] << 16) |
      (source[offset + 2] << 8) |
      source[offset + 3]) >>>
    0
  );
}

function writeNumber(value: number, target: Buffer, offset: number, argument: string): number {
  if (Number.isNaN(value)) throw new TypeError(`${argument} must not be or contain NaN`);
  double[0] = value === 0 ? 0 : value; // -0 becomes 0
  const high = words[WORD_HIGH];
  const low = words[WORD_LOW];
  const negative = high >= SIGN_BIT;
  target[offset] = TAG_NUMBER;
  writeWord(negative ? ~high : high | SIGN_BIT, target, offset + 1);
  writeWord(negative ? ~low : low, target, offset + 5);
  return offset + 1 + NUMBER_BYTES;
}

function readNumber(source: Buffer, start: number): number {
  const high = readWord(source, start);
  const low = readWord(source, start + 4);
  const negative = high < SIGN_BIT;
  words[WORD_HIGH] = negative ? ~high : high & ~SIGN_BIT;
  words[WORD_LOW] = negative ? ~low : low;
  return double[0];
}

/** Makes room for the escapes of the string bytes in `[start, end)`, from the back; the new end. */
function escapeText(target: Buffer, start: number, end: number): number {
  let escapes = 0;
  for (let at = start; at < end; at++) if (target[at] <= ESCAPE) escapes++;
  let to = end + escapes;
  for (let at = end - 1; at >= start && to > at + 1; at--) {
    const byte = target[at];
    if (byte > ESCAPE) {
      target[--to] = byte;
    } else {
      target[--to] = byte + 1;
      target[--to] = ESCAPE;
    }
  }
  return end + escapes;
}

function writeString(
  text: string,
  target: Buffer,
  offset: number,
  depth: number,
  argument: string,
): number {
  // Bounds what the target must have room for: three bytes a character, escapes included.
  if (text.length > KEY_BYTES_MAX) throw tooLong(argument);
  target[offset] = TAG_STRING;
  const start = offset + 1;
  const bytes = writeText(text, target, start);
  if (bytes !== text.length) refuseLoneSurrogates(text, argument);
  if (depth === 0) return start + bytes;
  const end = escapeText(target, start, start + bytes);
  target[end] = TERMINATOR;
  return end + 1;
}

/**
 * Copies the elements of an array into `own`, and those of the arrays in it. Every element takes a
 * byte at least, so `left` bounds their number; returns what is left of it.
 */
function copyElements(
  elements: readonly OrderedKey[],
  own: OrderedKey[],
  left: number,
  depth: number,
  argument: string,
): number {
  if (depth === ORDERED_DEPTH_MAX) {
    throw new RangeError(`${argument} must not nest arrays deeper than ${ORDERED_DEPTH_MAX}`);
  }
  for (let index = 0; index < elements.length; index++) {
    if (left-- === 0) throw tooLong(argument);
    const element = elements[index];
    if (Array.isArray(element)) {
      const inner: OrderedKey[] = [];
      left = copyElements(element as readonly OrderedKey[], inner, left, depth + 1, argument);
      own.push(inner);
    } else {
      own.push(element);
    }
  }
  return left;
}

function ownKey(key: OrderedKey, argument = 'key'): OrderedKey {
  if (!Array.isArray(key)) return key;
  const own: OrderedKey[] = [];
  copyElements(key as readonly OrderedKey[], own, KEY_BYTES_MAX, 0, argument);
  return own;
}

/** Writes one element of an own key and returns the offset behind it; the key began at `origin`. */
function writeElement(
  value: OrderedKey,
  target: Buffer,
  offset: number,
  origin: number,
  depth: number,
  argument: string,
): number {
  if (offset - origin >= KEY_BYTES_MAX) throw tooLong(argument);
  switch (typeof value) {
    case 'number':
      return writeNumber(value, target, offset, argument);
    case 'string':
      return writeString(value, target, offset, depth, argument);
    case 'boolean':
      target[offset] = value ? TAG_TRUE : TAG_FALSE;
      return offset + 1;
    default:
      break;
  }
  if (!Array.isArray(value)) {
    throw new TypeError(
      `${argument} must be a boolean, a number, a string or an array of them, or contain only ` +
        `such; not ${describe(value)}`,
    );
  }
  const elements = value as readonly OrderedKey[];
  target[offset] = TAG_ARRAY;
  let end = offset + 1;
  for (let index = 0; index < elements.length; index++) {
    end = writeElement(elements[index], target, end, origin, depth + 1, argument);
  }
  if (depth === 0) return end;
  target[end] = TERMINATOR;
  return end + 1;
}

function notOrdered(): TypeError {
  return new TypeError(
    "a key is not in the encoding 'ordered': was the column family written with another one?",
  );
}

/** The text of the escaped string at `position`, which moves behind the terminator. */
function readEscaped(source: Buffer, end: number): string {
  const start = position;
  let at = start;
  while (at < end && source[at] > ESCAPE) at++;
  if (at < end && source[at] === TERMINATOR) {
    position = at + 1;
    return readText(source, start, at);
  }
  let length = 0;
  for (at = start; at < end && source[at] !== TERMINATOR; at++) {
    if (length === KEY_BYTES_MAX) throw notOrdered();
    if (source[at] === ESCAPE) {
      at++;
      if (at === end || source[at] < ESCAPE) throw notOrdered();
      unescaped[length++] = source[at] - 1;
    } else {
      unescaped[length++] = source[at];
    }
  }
  if (at >= end) throw notOrdered();
  position = at + 1;
  return readText(unescaped, 0, length);
}

function readElement(source: Buffer, end: number, depth: number): OrderedKey {
  const tag = source[position++];
  switch (tag) {
    case TAG_FALSE:
      return false;
    case TAG_TRUE:
      return true;
    case TAG_NUMBER: {
      const start = position;
      position += NUMBER_BYTES;
      if (position > end) throw notOrdered();
      return readNumber(source, start);
    }
    case TAG_STRING: {
      if (depth > 0) return readEscaped(source, end);
      const start = position;
      position = end;
      return readText(source, start, end);
    }
    case TAG_ARRAY:
      return readArray(source, end, depth);
    default:
      throw notOrdered();
  }
}

function readArray(source: Buffer, end: number, depth: number): OrderedKey[] {
  if (depth === ORDERED_DEPTH_MAX) throw notOrdered();
  const elements: OrderedKey[] = [];
  while (position < end && source[position] !== TERMINATOR) {
    elements.push(readElement(source, end, depth + 1));
  }
  if (depth === 0) return elements;
  if (position >= end) throw notOrdered();
  position++;
  return elements;
}

export const orderedKeys: KeyEncoding<OrderedKey> = {
  name: 'ordered',

  own: ownKey,

  encode(key, target, offset, argument = 'key') {
    const own = ownKey(key, argument);
    const bytes = writeElement(own, target, offset, offset, 0, argument) - offset;
    if (bytes > KEY_BYTES_MAX) throw tooLong(argument);
    return bytes;
  },

  decode(source, start, end) {
    position = start;
    const key = readElement(source, end, 0);
    if (position !== end) throw notOrdered();
    return key;
  },
};

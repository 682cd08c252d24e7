/**
 * Splits the bytes of one JSON array into its elements while they arrive, so that a file of any
 * size is read with the memory of one chunk and its longest element.
 *
 * The scan looks at bytes only to find the commas between elements: it follows strings, escapes and
 * depth. Everything else is left to `JSON.parse`, which gets all complete elements of a chunk in
 * one call. An element's own text is kept, so that numbers keep all their digits.
 */
import { isUtf8 } from 'node:buffer';
import { inputFailure, RECORD_BYTES_MAX, tooLong, type Item } from './item.js';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const BEFORE = 0;
const INSIDE = 1;
const AFTER = 2;
type Phase = typeof BEFORE | typeof INSIDE | typeof AFTER;

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b && byte !== 0x0c);
}

/** The text of one element; on several lines, it loses its white space outside of strings. */
function elementText(element: Buffer): string {
  if (!element.includes(NEWLINE)) return element.toString('utf8').trim();
  const compact = Buffer.allocUnsafe(element.length);
  let length = 0;
  let inString = false;
  let escaped = false;
  for (const byte of element) {
    if (!inString && isSpace(byte)) continue;
    compact[length] = byte;
    length += 1;
    if (escaped) escaped = false;
    else if (byte === QUOTE) inString = !inString;
    else escaped = inString && byte === BACKSLASH;
  }
  return compact.toString('utf8', 0, length);
}

export class JsonArraySplitter {
  #phase: Phase = BEFORE;
  /** Open brackets around the scan's position; 1 is the array itself. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Bytes of an element whose end has not come yet. */
  #carry: Uint8Array[] = [];
  #carryBytes = 0;
  #elementsDone = 0;

  /** Elements that are complete with this chunk. */
  push(chunk: Uint8Array): Item[] {
    const start = this.#phase === BEFORE ? this.#findStart(chunk) : 0;
    if (this.#phase === BEFORE) return [];
    if (this.#phase === AFTER) {
      this.#checkAfter(chunk, start);
      return [];
    }
    // Ends of complete elements, relative to `start`.
    const ends: number[] = [];
    const end = this.#scan(chunk, start, ends);
    if (end >= 0) return this.#finish(chunk, start, end, ends);
    return this.#complete(chunk.subarray(start), ends);
  }

  /** Call it at the end of the input. */
  end(): Item[] {
    if (this.#phase === AFTER) return [];
    const what =
      this.#phase === BEFORE
        ? 'the input is empty; a JSON array begins with "["'
        : 'the JSON array is cut off; its closing "]" is missing';
    throw inputFailure(this.#place(), what);
  }

  #place(): string {
    return `element ${this.#elementsDone + 1}`;
  }

  /** Index behind the opening bracket, once it has come. */
  #findStart(chunk: Uint8Array): number {
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (isSpace(byte)) continue;
      if (byte !== OPEN_ARRAY) {
        throw inputFailure(
          this.#place(),
          'not a JSON array: it does not begin with "["; see --format for other formats',
        );
      }
      this.#phase = INSIDE;
      this.#depth = 1;
      return index + 1;
    }
    return chunk.length;
  }

  /**
   * Adds the places of top-level commas to `ends`; returns the place of the closing bracket, or -1.
   * One loop over bytes without calls: it sees every byte of the input.
   */
  #scan(chunk: Uint8Array, start: number, ends: number[]): number {
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    let closing = -1;
    for (let index = start; index < chunk.length; index++) {
      const byte = chunk[index] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === COMMA) {
        if (depth === 1) ends.push(index - start);
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
        depth += 1;
      } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
        depth -= 1;
        if (depth === 0) {
          closing = index;
          break;
        }
      }
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return closing;
  }

  #checkAfter(chunk: Uint8Array, start: number): void {
    for (let index = start; index < chunk.length; index++) {
      if (isSpace(chunk[index] as number)) continue;
      throw inputFailure('after the closing "]"', 'there is more text; one array is expected');
    }
  }

  #finish(chunk: Uint8Array, start: number, closing: number, ends: number[]): Item[] {
    if (chunk[closing] !== CLOSE_ARRAY) {
      throw inputFailure(this.#place(), 'the JSON array is closed with "}" instead of "]"');
    }
    this.#phase = AFTER;
    this.#checkAfter(chunk, closing + 1);
    const region = this.#take(chunk.subarray(start, closing), ends);
    const isEmptyArray = ends.length === 0 && this.#elementsDone === 0 && region.every(isSpace);
    return isEmptyArray ? [] : this.#parse(region, [...ends, region.length]);
  }

  /** Elements up to the last comma; keeps what follows it for the next chunk. */
  #complete(bytes: Uint8Array, ends: number[]): Item[] {
    const last = ends.at(-1);
    if (last === undefined) {
      this.#carry.push(bytes);
      this.#carryBytes += bytes.length;
      if (this.#carryBytes > RECORD_BYTES_MAX) throw tooLong(this.#place());
      return [];
    }
    const region = this.#take(bytes.subarray(0, last), ends);
    this.#carry = [bytes.subarray(last + 1)];
    this.#carryBytes = bytes.length - last - 1;
    return this.#parse(region, ends);
  }

  /** Joins what was kept with `bytes`, and shifts `ends` accordingly. */
  #take(bytes: Uint8Array, ends: number[]): Buffer {
    for (let index = 0; index < ends.length; index++) {
      ends[index] = (ends[index] as number) + this.#carryBytes;
    }
    const region = Buffer.concat([...this.#carry, bytes]);
    this.#carry = [];
    this.#carryBytes = 0;
    return region;
  }

  #parse(region: Buffer, ends: readonly number[]): Item[] {
    if (!isUtf8(region)) throw inputFailure(this.#place(), 'not valid UTF-8');
    const values = this.#parseAll(region, ends.length);
    let start = 0;
    const items = values.map((value, index): Item => {
      const end = ends[index] as number;
      const from = start;
      start = end + 1;
      if (typeof value === 'string') return { text: value, value };
      return { text: elementText(region.subarray(from, end)), value };
    });
    this.#elementsDone += items.length;
    return items;
  }

  #parseAll(region: Buffer, expected: number): unknown[] {
    const what = `not valid JSON there or up to ${expected} elements later`;
    let values: unknown[];
    try {
      values = JSON.parse(`[${region.toString('utf8')}]`) as unknown[];
    } catch (error) {
      throw inputFailure(this.#place(), `${what} (${(error as Error).message})`);
    }
    // Nothing but white space between two commas, which by itself would parse as an empty array.
    if (values.length !== expected) throw inputFailure(this.#place(), `${what} (empty element)`);
    return values;
  }
}

/**
 * The text format of `manifold dump`, which `manifold load` reads back: NDJSON, UTF-8.
 *
 *   {"manifold":"dump","version":1,"sequence":42}            first line
 *   {"cf":"users","key":"ada","value":"…"}                   one per entry
 *   {"cf":"users","key64":"/w==","value64":"…"}              bytes that are no UTF-8, in base64
 *   {"manifold":"end","entries":1}                           last line; without it, it is cut off
 */
import { jsonBytes } from '../text.js';
import { inputFailure, RECORD_BYTES_MAX } from './item.js';

const DUMP_VERSION = 1;
/** Text may take six bytes for one (`\u0000`). */
const DUMP_VALUE_BYTES_MAX = RECORD_BYTES_MAX / 8;

export interface DumpRow {
  readonly family: string;
  readonly key: Buffer;
  readonly value: Buffer;
}

export function dumpHeader(sequence: number): string {
  return JSON.stringify({ manifold: 'dump', version: DUMP_VERSION, sequence });
}

export function dumpEntry(family: string, key: Buffer, value: Buffer): string {
  if (value.length > DUMP_VALUE_BYTES_MAX) {
    throw inputFailure(
      `key ${JSON.stringify(key.toString('utf8'))}`,
      `its value has ${value.length} bytes, too many for a dump; use "manifold backup"`,
    );
  }
  const members = { ...jsonBytes('key', key, 'utf8'), ...jsonBytes('value', value, 'utf8') };
  return JSON.stringify({ cf: family, ...members });
}

export function dumpTrailer(entryCount: number): string {
  return JSON.stringify({ manifold: 'end', entries: entryCount });
}

/** True for the first record of a dump; refuses one of another version. */
export function isDumpHeader(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Reflect.get(value, 'manifold') !== 'dump') return false;
  const version: unknown = Reflect.get(value, 'version');
  if (version === DUMP_VERSION) return true;
  const what = `a dump of version ${JSON.stringify(version)}, this program reads ${DUMP_VERSION}`;
  throw inputFailure('line 1', what);
}

function bytesMember(entry: object, name: string, place: string): Buffer {
  const text: unknown = Reflect.get(entry, name);
  if (typeof text === 'string') {
    // Encoding would put a replacement character where the text has half of one.
    if (!text.isWellFormed()) throw inputFailure(place, `"${name}" has a lone surrogate`);
    return Buffer.from(text, 'utf8');
  }
  const base64: unknown = Reflect.get(entry, `${name}64`);
  if (typeof base64 === 'string') return base64Member(base64, name, place);
  throw inputFailure(
    place,
    `an entry of a dump has "${name}" or "${name}64"; this one has neither`,
  );
}

/** Node skips what is no base64, so a damaged member would become other bytes. */
function base64Member(base64: string, name: string, place: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') === base64) return bytes;
  throw inputFailure(place, `"${name}64" is not base64`);
}

/** Reads the records behind the header; `end` tells whether all of them were there. */
export class DumpReader {
  #entryCount = 0;
  #ended = false;

  /** The entry, or `undefined` for the trailer. */
  read(value: unknown): DumpRow | undefined {
    const place = `entry ${this.#entryCount + 1} of the dump`;
    if (this.#ended) throw inputFailure(place, 'there is more behind the last line');
    if (typeof value !== 'object' || value === null) throw inputFailure(place, 'not an object');
    if (Reflect.get(value, 'manifold') === 'end') {
      const expected: unknown = Reflect.get(value, 'entries');
      if (expected !== this.#entryCount) {
        const counts = `${this.#entryCount} entries instead of ${String(expected)}`;
        throw inputFailure(place, `the dump has ${counts}; dump again`);
      }
      this.#ended = true;
      return undefined;
    }
    const family: unknown = Reflect.get(value, 'cf');
    if (typeof family !== 'string') throw inputFailure(place, 'it has no "cf"');
    const key = bytesMember(value, 'key', place);
    this.#entryCount += 1;
    return { family, key, value: bytesMember(value, 'value', place) };
  }

  end(): void {
    if (this.#ended) return;
    const place = `entry ${this.#entryCount + 1} of the dump`;
    throw inputFailure(place, 'the dump is cut off: its last line is missing; dump again');
  }
}

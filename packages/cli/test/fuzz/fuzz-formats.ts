/**
 * Input formats of `manifold load`: real inputs of every format with bytes changed, cut into chunks
 * at arbitrary places. Whatever comes, it is rows or one CommandFailure, and the same wherever the
 * input was cut. A dump is never read as something else than it says: the reference here is strict.
 */
import { isUtf8 } from 'node:buffer';
import { CommandFailure } from '../../src/failure.js';
import { dumpEntry, dumpHeader, dumpTrailer, type DumpRow } from '../../src/input/dump-format.js';
import { FORMATS, type Format } from '../../src/input/format.js';
import { parseKeyRule } from '../../src/input/key.js';
import { readRows, type Row } from '../../src/input/rows.js';
import { withoutByteOrderMark } from '../../src/input/source.js';
import { below, pick, type Area, type Fuzzer } from '../../../core/test/support/fuzz/fuzzer.js';
import { garbage, mutate } from '../../../core/test/support/fuzz/mutate.js';
import { collect, cutAt, streamOf } from '../helpers/chunks.js';

type Random = () => number;

const TOKENS = ['[', ']', '{', '}', ',', ':', '"', '\\', '\n', '\r\n', '\t', ' ', '0', '-1e999'];
const MORE_TOKENS = ['null', 'true', '"a"', '\\u0000', '\\ud800', 'ä', '😀', '\ufeff', '""', '=='];
const KEYS = ['index', 'line', 'a', 'a,b', '__proto__', 'constructor'];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function text(random: Random): string {
  const parts = Array.from({ length: below(random, 5) }, () =>
    pick(random, random() < 0.5 ? TOKENS : MORE_TOKENS),
  );
  return parts.join('').toWellFormed();
}

function jsonValue(random: Random, depth = 2): unknown {
  const roll = random();
  if (roll < 0.3) return text(random);
  if (roll < 0.45) return pick(random, [0, -1, 1.5, 2 ** 53, 1e300]);
  if (roll < 0.55) return pick(random, [null, true, false]);
  if (depth === 0) return 'leaf';
  if (roll < 0.7) return [jsonValue(random, depth - 1), jsonValue(random, depth - 1)];
  return { a: jsonValue(random, depth - 1), b: 1, [text(random)]: jsonValue(random, depth - 1) };
}

function bytes(random: Random): Buffer {
  if (random() < 0.5) return Buffer.from(text(random));
  const some = Buffer.alloc(below(random, 12));
  garbage(random, some);
  return some;
}

function dump(random: Random): string {
  const count = below(random, 4);
  const lines = [dumpHeader(below(random, 100))];
  for (let i = 0; i < count; i++) lines.push(dumpEntry('family', bytes(random), bytes(random)));
  lines.push(dumpTrailer(count));
  return `${lines.join('\n')}\n`;
}

function csv(random: Random, delimiter: string): string {
  const cell = (): string => {
    const content = text(random);
    return `"${content.replaceAll('"', '""')}"`;
  };
  const rows = Array.from({ length: below(random, 4) }, () => [cell(), cell()].join(delimiter));
  return [['a', 'b'].join(delimiter), ...rows].join('\r\n');
}

/** An input as it should be. */
function sample(random: Random, format: Format): string {
  const values = Array.from({ length: below(random, 4) }, () => jsonValue(random));
  switch (format) {
    case 'ndjson':
      if (random() < 0.5) return dump(random);
      return values.map((value) => `${JSON.stringify(value)}\n`).join('');
    case 'json':
      return JSON.stringify(values, undefined, pick(random, [0, 1, 2]));
    case 'lines':
      return values.map(String).join('\n');
    default:
      return csv(random, format === 'tsv' ? '\t' : ',');
  }
}

/** Bytes by chance, or tokens of the formats where they do not belong. */
function changed(random: Random, input: Buffer): Buffer {
  const roll = random();
  if (roll < 0.15) return input;
  if (roll < 0.2) {
    const noise = Buffer.alloc(below(random, 64));
    garbage(random, noise);
    return noise;
  }
  if (roll < 0.5) {
    mutate(random, input, 0, input.length);
    return input;
  }
  const at = below(random, input.length + 1);
  const token = Buffer.from(pick(random, random() < 0.5 ? TOKENS : MORE_TOKENS));
  const removed = below(random, 3);
  return Buffer.concat([input.subarray(0, at), token, input.subarray(at + removed)]);
}

type Result = { readonly rows: readonly Row[] } | { readonly failure: string };

async function read(chunks: readonly Buffer[], format: Format, key: string): Promise<Result> {
  try {
    const stream = withoutByteOrderMark(streamOf(chunks));
    const rule = parseKeyRule(key, '/');
    return { rows: await collect(readRows(stream, format, rule, { skipped: 0 })) };
  } catch (error) {
    if (error instanceof CommandFailure) return { failure: error.message };
    throw error;
  }
}

function cuts(random: Random): number[] {
  return Array.from({ length: below(random, 6) }, () => below(random, 1000));
}

class FormatFuzzer implements Fuzzer {
  async one(random: Random): Promise<string | undefined> {
    const format = pick(random, FORMATS);
    const key = pick(random, KEYS);
    const input = changed(random, Buffer.from(sample(random, format)));
    let whole: Result;
    let inPieces: Result;
    try {
      whole = await read([input], format, key);
      inPieces = await read(cutAt(input, cuts(random)), format, key);
    } catch (error) {
      return `untyped, ${format}: ${(error as Error).stack}`;
    }
    const isSame =
      'rows' in whole && 'rows' in inPieces
        ? JSON.stringify(whole) === JSON.stringify(inPieces)
        : 'failure' in whole && 'failure' in inPieces;
    const shown = JSON.stringify(input.toString('latin1'));
    if (!isSame) return `other rows when it is cut, ${format} ${shown}`;
    const isDump =
      format === 'ndjson' && 'rows' in whole && whole.rows.some((row) => 'family' in row);
    return isDump ? dumpProblem(input, whole as { rows: readonly DumpRow[] }) : undefined;
  }
}

/** Every row must be what its line says, to the letter. */
function dumpProblem(input: Buffer, { rows }: { rows: readonly DumpRow[] }): string | undefined {
  const shown = JSON.stringify(input.toString('latin1'));
  if (!isUtf8(input)) return `bytes that are no text passed: ${shown}`;
  const lines = input.toString('utf8').split('\n');
  // White space of any kind around a line does no harm, a byte order mark included.
  const [, ...objects] = lines.map((line) => line.trim()).filter((line) => line !== '');
  const entries = objects
    .map((object) => JSON.parse(object) as Record<string, unknown>)
    .filter((entry) => entry['manifold'] !== 'end');
  if (entries.length !== rows.length) return `${rows.length} rows of ${entries.length}: ${shown}`;
  for (const [index, entry] of entries.entries()) {
    const row = rows[index]!;
    const isRight =
      row.family === entry['cf'] &&
      isExactly(entry, 'key', row.key) &&
      isExactly(entry, 'value', row.value);
    if (!isRight) return `row ${index + 1} is not what its line says: ${shown}`;
  }
  return undefined;
}

function isExactly(entry: Record<string, unknown>, name: string, found: Buffer): boolean {
  const plain = entry[name];
  if (typeof plain === 'string') return plain.isWellFormed() && found.toString('utf8') === plain;
  const base64 = entry[`${name}64`];
  return typeof base64 === 'string' && BASE64.test(base64) && found.toString('base64') === base64;
}

export const INPUT_FORMATS: Area = {
  name: 'formats',
  perRound: 10,
  make: () => Promise.resolve(new FormatFuzzer()),
};

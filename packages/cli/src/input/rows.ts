/**
 * From the bytes of an input to rows that can be put, whatever the format.
 */
import { DumpReader, isDumpHeader, type DumpRow } from './dump-format.js';
import { readCsv } from './csv.js';
import type { Format } from './format.js';
import { inputFailure, type Item } from './item.js';
import { JsonArraySplitter } from './json-array.js';
import { keyValueOf, type KeyRule, type KeyValue } from './key.js';
import { LineSplitter } from './lines.js';

/** A row of text goes to the family of the command line; a row of a dump names its own. */
export type Row = KeyValue | DumpRow;

interface Splitter<T> {
  push(chunk: Uint8Array): T[];
  end(): T[];
}

async function* split<T>(
  chunks: AsyncIterable<Uint8Array>,
  splitter: Splitter<T>,
): AsyncGenerator<T[]> {
  for await (const chunk of chunks) yield splitter.push(chunk);
  yield splitter.end();
}

async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Item[]> {
  for await (const lines of split(chunks, new LineSplitter())) {
    yield lines.map((text) => ({ text, value: undefined }));
  }
}

/** Parses each line; empty ones are skipped. A string's content is its text. */
async function* readNdjson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Item[]> {
  const splitter = new LineSplitter();
  for await (const lines of split(chunks, splitter)) {
    const items: Item[] = [];
    for (const [index, line] of lines.entries()) {
      const text = line.trim();
      if (text === '') continue;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        const place = `line ${splitter.firstLine + index}`;
        throw inputFailure(place, `not valid JSON (${(error as Error).message})`);
      }
      items.push({ text: typeof value === 'string' ? value : text, value });
    }
    yield items;
  }
}

/** Batches of items in the order of the input; a batch may be empty. */
export function readItems(
  chunks: AsyncIterable<Uint8Array>,
  format: Format,
): AsyncIterable<Item[]> {
  if (format === 'lines') return readLines(chunks);
  if (format === 'ndjson') return readNdjson(chunks);
  if (format === 'json') return split(chunks, new JsonArraySplitter());
  return readCsv(chunks, format === 'tsv' ? '\t' : ',');
}

/** Counts what was left out on purpose. */
export interface RowCounts {
  /** Empty lines that would have been keys. */
  skipped: number;
}

async function* keyedRows(
  batches: AsyncIterable<Item[]>,
  rule: KeyRule,
  counts: RowCounts,
): AsyncGenerator<Row[]> {
  let index = 0;
  for await (const items of batches) {
    const rows: Row[] = [];
    for (const item of items) {
      if (rule.kind === 'line' && item.text === '') {
        counts.skipped += 1;
        continue;
      }
      rows.push(keyValueOf(item, rule, index));
      index += 1;
    }
    if (rows.length > 0) yield rows;
  }
}

async function* dumpRows(batches: AsyncIterable<Item[]>): AsyncGenerator<Row[]> {
  const reader = new DumpReader();
  for await (const items of batches) {
    const rows: Row[] = [];
    for (const { value } of items) {
      const row = reader.read(value);
      if (row !== undefined) rows.push(row);
    }
    if (rows.length > 0) yield rows;
  }
  reader.end();
}

/** The same batches, beginning with one that was taken out to look at. */
async function* restart<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T> {
  yield first;
  for (let step = await rest.next(); step.done !== true; step = await rest.next()) yield step.value;
}

/** The rows of an input. An NDJSON input that begins with a dump's header is read as a dump. */
export async function* readRows(
  chunks: AsyncIterable<Uint8Array>,
  format: Format,
  rule: KeyRule,
  counts: RowCounts,
): AsyncGenerator<Row[]> {
  const batches = readItems(chunks, format);
  if (format !== 'ndjson') {
    yield* keyedRows(batches, rule, counts);
    return;
  }
  const iterator = batches[Symbol.asyncIterator]();
  let step = await iterator.next();
  while (step.done !== true && step.value.length === 0) step = await iterator.next();
  if (step.done === true) return;
  if (isDumpHeader(step.value[0]?.value)) {
    yield* dumpRows(restart(step.value.slice(1), iterator));
  } else {
    yield* keyedRows(restart(step.value, iterator), rule, counts);
  }
}

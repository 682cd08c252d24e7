/**
 * CSV and TSV with a header row. Each row becomes one JSON object of strings.
 */
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { inputFailure, RECORD_BYTES_MAX, tooLong, type Item } from './item.js';

const ROWS_PER_BATCH = 1024;

/** Text of the chunks; a character may lie across a border. What is not UTF-8 is refused. */
async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for await (const chunk of chunks) {
      const text = decoder.decode(chunk, { stream: true });
      if (text !== '') yield text;
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw inputFailure('CSV', 'not valid UTF-8; convert the input to UTF-8 first');
  }
}

function checkHeader(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (name === '') throw inputFailure('CSV header', `column ${index + 1} has no name`);
    if (seen.has(name)) throw inputFailure('CSV header', `two columns are named "${name}"`);
    seen.add(name);
  }
  return names;
}

function itemOf(names: readonly string[], cells: readonly string[]): Item {
  // fromEntries defines members, so that a column named __proto__ is one like any other.
  const value = Object.fromEntries(names.map((name, index) => [name, cells[index]]));
  return { text: JSON.stringify(value), value };
}

function csvFailure(error: unknown): unknown {
  if (!(error instanceof CsvError)) return error;
  if (error.code === 'CSV_MAX_RECORD_SIZE') return tooLong('CSV');
  return inputFailure('CSV', error.message);
}

/** Batches of rows; an input without any row but the header has none. */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array>,
  delimiter: string,
): AsyncGenerator<Item[]> {
  const parser = parse({ delimiter, skip_empty_lines: true, max_record_size: RECORD_BYTES_MAX });
  // Errors of either stream come out of the parser's iteration below.
  pipeline(Readable.from(decoded(chunks)), parser, () => undefined);
  let header: readonly string[] | undefined;
  let batch: Item[] = [];
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = checkHeader(cells);
        continue;
      }
      batch.push(itemOf(header, cells));
      if (batch.length < ROWS_PER_BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    throw csvFailure(error);
  }
  if (batch.length > 0) yield batch;
}

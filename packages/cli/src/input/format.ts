/**
 * Input formats by name and by the ending of a file's name.
 */
import { extname } from 'node:path';
import { usageFailure } from '../failure.js';
import { STDIN } from './source.js';

export const FORMATS = ['ndjson', 'json', 'lines', 'csv', 'tsv'] as const;
export type Format = (typeof FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'json',
  '.txt': 'lines',
  '.lst': 'lines',
  '.csv': 'csv',
  '.tsv': 'tsv',
};

/** The format that was asked for, or the one that the name of the input tells. */
export function formatOf(input: string, asked: Format | undefined): Format {
  if (asked !== undefined) return asked;
  const known = BY_EXTENSION[extname(input).toLowerCase()];
  if (known !== undefined) return known;
  const what =
    input === STDIN ? 'stdin has no name that tells its format' : `${input}: no known ending`;
  throw usageFailure(`${what}; add --format with one of ${FORMATS.join(', ')}`);
}

/**
 * `manifold scan`: prints the entries of a range in key order.
 */
import type { Command } from 'commander';
import type { Database, Entries } from '@manifold-db/core';
import {
  addBounds,
  addEncoding,
  addFamily,
  addJson,
  wholeNumber,
  type BoundOptions,
  type EncodingOption,
  type FamilyOption,
  type JsonOption,
} from '../arguments.js';
import type { Context } from '../context.js';
import {
  boundsOf,
  existingFamily,
  interruptedFailure,
  READ_ONLY,
  withDatabase,
} from '../database.js';
import { jsonBytes, showBytes } from '../text.js';

interface ScanOptions extends JsonOption, FamilyOption, EncodingOption, BoundOptions {
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly keys?: boolean;
}

function lineOf(key: Buffer, value: Buffer | undefined, options: ScanOptions): string {
  const { encoding } = options;
  if (options.json === true) {
    const members = value === undefined ? {} : jsonBytes('value', value, encoding);
    return JSON.stringify({ ...jsonBytes('key', key, encoding), ...members });
  }
  const shown = showBytes(key, encoding);
  return value === undefined ? shown : `${shown}\t${showBytes(value, encoding)}`;
}

/** Prints one line per step of a walk; stops at ctrl-C. */
async function printAll<T>(
  context: Context,
  entries: Entries<T, Buffer>,
  format: (entry: T) => string,
): Promise<void> {
  for await (const entry of entries) {
    if (context.interrupted.aborted) throw interruptedFailure();
    if (context.stdout.line(format(entry))) await context.stdout.flush();
  }
}

async function scan(context: Context, path: string, options: ScanOptions): Promise<void> {
  const bounds = boundsOf(options, options.encoding);
  const range = { ...bounds, reverse: options.reverse, limit: options.limit };
  await withDatabase(context, path, READ_ONLY, async (db: Database) => {
    const family = existingFamily(db, options.cf);
    if (options.keys === true) {
      await printAll(context, family.keys(range), (key) => lineOf(key, undefined, options));
    } else {
      const format = ([key, value]: [Buffer, Buffer]): string => lineOf(key, value, options);
      await printAll(context, family.entries(range), format);
    }
    await context.stdout.flush();
  });
}

export function addScan(program: Command, context: Context): void {
  const command = program
    .command('scan')
    .description('print entries in key order, as "key <tab> value", or NDJSON with --json')
    .argument('<database>', 'directory of the database')
    .option('--reverse', 'from the last to the first')
    .option('--limit <n>', 'at most so many', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--keys', 'keys only');
  addJson(addBounds(addEncoding(addFamily(command))));
  command.action((path: string, options: ScanOptions) => scan(context, path, options));
}

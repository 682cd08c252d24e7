/**
 * `manifold count`: the exact number of entries in a range.
 */
import type { Command } from 'commander';
import {
  addBounds,
  addEncoding,
  addFamily,
  addJson,
  type BoundOptions,
  type EncodingOption,
  type FamilyOption,
  type JsonOption,
} from '../arguments.js';
import type { Context } from '../context.js';
import { boundsOf, existingFamily, READ_ONLY, withDatabase } from '../database.js';

type CountOptions = JsonOption & FamilyOption & EncodingOption & BoundOptions;

async function count(context: Context, path: string, options: CountOptions): Promise<void> {
  const bounds = boundsOf(options, options.encoding);
  const entryCount = await withDatabase(context, path, READ_ONLY, async (db) => {
    return existingFamily(db, options.cf).count(bounds);
  });
  const report = { columnFamily: options.cf, count: entryCount };
  context.stdout.line(options.json === true ? JSON.stringify(report) : String(entryCount));
}

export function addCount(program: Command, context: Context): void {
  const command = program
    .command('count')
    .description('count the entries of a column family, or of a range of it')
    .argument('<database>', 'directory of the database');
  addJson(addBounds(addEncoding(addFamily(command))));
  command.action((path: string, options: CountOptions) => count(context, path, options));
}

/**
 * `manifold dump`: all entries as NDJSON, out of one snapshot; `manifold load` reads it back.
 */
import type { Command } from 'commander';
import { addJson, type JsonOption } from '../arguments.js';
import type { Context } from '../context.js';
import { existingFamily, interruptedFailure, READ_ONLY, withDatabase } from '../database.js';
import { dumpEntry, dumpHeader, dumpTrailer } from '../input/dump-format.js';

interface DumpOptions extends JsonOption {
  readonly cf?: readonly string[];
}

async function dump(context: Context, path: string, options: DumpOptions): Promise<void> {
  await withDatabase(context, path, READ_ONLY, async (db) => {
    const names = options.cf ?? db.columnFamilies();
    const families = names.map((name) => existingFamily(db, name));
    using snapshot = db.snapshot();
    let entryCount = 0;
    context.stdout.line(dumpHeader(snapshot.sequence));
    for (const family of families) {
      for await (const [key, value] of family.entries({ snapshot })) {
        if (context.interrupted.aborted) throw interruptedFailure();
        if (context.stdout.line(dumpEntry(family.name, key, value))) await context.stdout.flush();
        entryCount += 1;
      }
    }
    context.stdout.line(dumpTrailer(entryCount));
    await context.stdout.flush();
  });
}

export function addDump(program: Command, context: Context): void {
  const command = program
    .command('dump')
    .description('print all entries of all column families as NDJSON, for "manifold load"')
    .argument('<database>', 'directory of the database')
    .option('--cf <name...>', 'only these column families');
  // The output is JSON anyway; the option is accepted as it is by every command.
  addJson(command);
  command.action((path: string, options: DumpOptions) => dump(context, path, options));
}

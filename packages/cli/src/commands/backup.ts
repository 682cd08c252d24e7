/**
 * `manifold backup`: a copy of the database that opens like any other.
 */
import type { Command } from 'commander';
import { addJson, type JsonOption } from '../arguments.js';
import type { Context } from '../context.js';
import { withDatabase } from '../database.js';
import { group, seconds } from '../report.js';

async function backup(
  context: Context,
  path: string,
  target: string,
  options: JsonOption,
): Promise<void> {
  const report = await withDatabase(context, path, { createIfMissing: false }, (db) => {
    return db.backup(target, { signal: context.interrupted });
  });
  const bytes = `${group(report.bytes)} bytes`;
  const text = `${report.path}: ${bytes} in ${seconds(report.durationMs / 1000)} s`;
  context.stdout.line(options.json === true ? JSON.stringify(report) : text);
}

export function addBackup(program: Command, context: Context): void {
  const command = program
    .command('backup')
    .description('copy the database into a directory that is empty or does not exist')
    .argument('<database>', 'directory of the database')
    .argument('<target>', 'directory of the copy');
  addJson(command);
  command.action((path: string, target: string, options: JsonOption) => {
    return backup(context, path, target, options);
  });
}

/**
 * `manifold stats`: what a database holds and how it is set up.
 */
import type { Command } from 'commander';
import { addJson, type JsonOption } from '../arguments.js';
import type { Context } from '../context.js';
import { byteFamily, bytesOnDisk, READ_ONLY, withDatabase } from '../database.js';
import { group } from '../report.js';

/** Nested figures as `outer.inner: value` lines; members without a value are left out. */
export function flatLines(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) => {
    if (member === undefined || member === null) return [];
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof member === 'object') return flatLines(member, path);
    return [`${path}: ${typeof member === 'number' ? group(member) : String(member)}`];
  });
}

async function stats(context: Context, path: string, options: JsonOption): Promise<void> {
  const report = await withDatabase(context, path, READ_ONLY, async (db) => {
    const columnFamilies = db.columnFamilies().map((name) => {
      return { name, count: byteFamily(db, name).count() };
    });
    return { path: db.path, bytesOnDisk: await bytesOnDisk(path), columnFamilies, ...db.stats() };
  });
  if (options.json === true) {
    context.stdout.line(JSON.stringify(report));
    return;
  }
  const { columnFamilies, ...figures } = report;
  for (const { name, count } of columnFamilies) {
    context.stdout.line(`column family ${JSON.stringify(name)}: ${group(count)} entries`);
  }
  for (const line of flatLines(figures)) context.stdout.line(line);
}

export function addStats(program: Command, context: Context): void {
  const command = program
    .command('stats')
    .description('show column families, sizes and figures of the engine')
    .argument('<database>', 'directory of the database');
  addJson(command);
  command.action((path: string, options: JsonOption) => stats(context, path, options));
}

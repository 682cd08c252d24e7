/**
 * `manifold verify`: reads everything and checks it. Exit code 1 when there is damage.
 */
import type { Command } from 'commander';
import { addJson, type JsonOption } from '../arguments.js';
import type { Context } from '../context.js';
import { READ_ONLY, withDatabase } from '../database.js';
import { CommandFailure } from '../failure.js';
import { group, seconds } from '../report.js';

async function verify(context: Context, path: string, options: JsonOption): Promise<void> {
  const report = await withDatabase(context, path, READ_ONLY, (db) => {
    return db.verify({ signal: context.interrupted });
  });
  if (options.json === true) {
    context.stdout.line(JSON.stringify(report));
  } else {
    for (const { path: file, offset, columnFamily, message } of report.problems) {
      const family = columnFamily === undefined ? '' : ` (column family "${columnFamily}")`;
      context.stdout.line(`${file}, offset ${offset}${family}: ${message}`);
    }
    const pages = `${group(report.pagesChecked)} pages`;
    const entries = `${group(report.entriesChecked)} entries`;
    const log = `${group(report.logRecordsChecked)} log records`;
    const time = `${seconds(report.durationMs / 1000)} s`;
    const verdict = report.ok ? 'sound' : 'damaged';
    context.stdout.line(`${verdict}: ${pages}, ${entries}, ${log} checked in ${time}`);
  }
  if (report.ok) return;
  const count = report.problems.length;
  throw new CommandFailure(`${path} is damaged in ${count} places; restore a backup`);
}

export function addVerify(program: Command, context: Context): void {
  const command = program
    .command('verify')
    .description('check every page, tree and log record; exit code 1 if there is damage')
    .argument('<database>', 'directory of the database');
  addJson(command);
  command.action((path: string, options: JsonOption) => verify(context, path, options));
}

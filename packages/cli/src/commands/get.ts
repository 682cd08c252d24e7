/**
 * `manifold get`: prints the value of one key, byte for byte.
 */
import type { Command } from 'commander';
import {
  addEncoding,
  addFamily,
  addJson,
  type EncodingOption,
  type FamilyOption,
  type JsonOption,
} from '../arguments.js';
import type { Context } from '../context.js';
import { existingFamily, READ_ONLY, withDatabase } from '../database.js';
import { CommandFailure } from '../failure.js';
import { jsonBytes, parseBytes } from '../text.js';

type GetOptions = JsonOption & FamilyOption & EncodingOption;

async function get(
  context: Context,
  path: string,
  keyText: string,
  options: GetOptions,
): Promise<void> {
  const key = parseBytes(keyText, options.encoding, 'the key');
  const value = await withDatabase(context, path, READ_ONLY, (db) => {
    return existingFamily(db, options.cf).getAsync(key);
  });
  if (value === undefined) {
    throw new CommandFailure(`there is no key "${keyText}" in column family "${options.cf}"`);
  }
  if (options.json === true) {
    const members = {
      ...jsonBytes('key', key, options.encoding),
      ...jsonBytes('value', value, options.encoding),
    };
    context.stdout.line(JSON.stringify(members));
  } else if (options.encoding === 'utf8') {
    await context.stdout.bytes(value);
    context.stdout.line('');
  } else {
    context.stdout.line(value.toString(options.encoding));
  }
}

export function addGet(program: Command, context: Context): void {
  const command = program
    .command('get')
    .description('print the value of a key; exit code 1 if there is none')
    .argument('<database>', 'directory of the database')
    .argument('<key>');
  addJson(addEncoding(addFamily(command)));
  command.action((path: string, key: string, options: GetOptions) => {
    return get(context, path, key, options);
  });
}

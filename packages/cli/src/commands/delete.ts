/**
 * `manifold delete`: removes one key.
 */
import type { Command } from 'commander';
import {
  addDurability,
  addEncoding,
  addFamily,
  addJson,
  type EncodingOption,
  type EngineOptions,
  type FamilyOption,
  type JsonOption,
} from '../arguments.js';
import type { Context } from '../context.js';
import { engineOptions, existingFamily, withDatabase } from '../database.js';
import { CommandFailure } from '../failure.js';
import { parseBytes } from '../text.js';

type DeleteOptions = JsonOption & FamilyOption & EncodingOption & EngineOptions;

async function deleteKey(
  context: Context,
  path: string,
  keyText: string,
  options: DeleteOptions,
): Promise<void> {
  const key = parseBytes(keyText, options.encoding, 'the key');
  const openOptions = { ...engineOptions(options), createIfMissing: false };
  const { sequence, value: existed } = await withDatabase(context, path, openOptions, (db) => {
    const family = existingFamily(db, options.cf);
    return db.write((tx) => {
      const found = tx.has(family, key);
      if (found) tx.delete(family, key);
      return found;
    });
  });
  if (!existed) {
    throw new CommandFailure(`there is no key "${keyText}" in column family "${options.cf}"`);
  }
  if (options.json === true) context.stdout.line(JSON.stringify({ sequence }));
}

export function addDelete(program: Command, context: Context): void {
  const command = program
    .command('delete')
    .description('remove a key; exit code 1 if there is none')
    .argument('<database>', 'directory of the database')
    .argument('<key>');
  addJson(addDurability(addEncoding(addFamily(command))));
  command.action((path: string, key: string, options: DeleteOptions) => {
    return deleteKey(context, path, key, options);
  });
}

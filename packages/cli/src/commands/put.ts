/**
 * `manifold put`: stores one value, given as an argument or on stdin.
 */
import type { Command } from 'commander';
import type { PutOptions } from '@manifold-db/core';
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
import { byteFamily, engineOptions, withDatabase } from '../database.js';
import { CommandFailure, usageFailure } from '../failure.js';
import { STDIN } from '../input/source.js';
import { parseBytes } from '../text.js';

interface PutCommandOptions extends JsonOption, FamilyOption, EncodingOption, EngineOptions {
  readonly ifAbsent?: boolean;
  readonly ifValue?: string;
}

async function valueOf(
  context: Context,
  text: string | undefined,
  options: PutCommandOptions,
): Promise<Buffer> {
  if (text !== undefined && text !== STDIN) return parseBytes(text, options.encoding, 'the value');
  const chunks: Uint8Array[] = [];
  for await (const chunk of context.stdin) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (options.encoding === 'utf8') return bytes;
  return parseBytes(bytes.toString('latin1').trim(), options.encoding, 'the value');
}

function conditionsOf(options: PutCommandOptions): PutOptions<Buffer> {
  if (options.ifAbsent === true && options.ifValue !== undefined) {
    throw usageFailure('--if-absent and --if-value exclude each other; give one of them');
  }
  if (options.ifAbsent === true) return { ifAbsent: true };
  if (options.ifValue === undefined) return {};
  return { ifValue: parseBytes(options.ifValue, options.encoding, '--if-value') };
}

async function put(
  context: Context,
  path: string,
  keyText: string,
  valueText: string | undefined,
  options: PutCommandOptions,
): Promise<void> {
  const key = parseBytes(keyText, options.encoding, 'the key');
  const conditions = conditionsOf(options);
  const value = await valueOf(context, valueText, options);
  const { sequence } = await withDatabase(context, path, engineOptions(options), async (db) => {
    try {
      return await byteFamily(db, options.cf).put(key, value, conditions);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MANIFOLD_CONFLICT') throw error;
      const state = options.ifAbsent === true ? 'exists already' : 'has another value';
      throw new CommandFailure(`key "${keyText}" ${state}; nothing was written`, undefined, error);
    }
  });
  if (options.json === true) context.stdout.line(JSON.stringify({ sequence }));
}

export function addPut(program: Command, context: Context): void {
  const command = program
    .command('put')
    .description('store a value; reads it from stdin if it is missing or "-"')
    .argument('<database>', 'directory of the database; created if it does not exist')
    .argument('<key>')
    .argument('[value]')
    .option('--if-absent', 'only if the key does not exist')
    .option('--if-value <value>', 'only if the key has this value');
  addJson(addDurability(addEncoding(addFamily(command))));
  command.action((path: string, key: string, value: string | undefined, options) => {
    return put(context, path, key, value, options as PutCommandOptions);
  });
}

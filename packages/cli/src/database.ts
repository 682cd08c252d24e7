/**
 * Opens a database for one command and closes it again, however the command ends.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type ColumnFamily, type Database, type OpenOptions } from '@manifold-db/core';
import type { BoundOptions, EngineOptions } from './arguments.js';
import type { Context } from './context.js';
import { CommandFailure, EXIT_INTERRUPTED } from './failure.js';
import { parseBytes, type TextEncoding } from './text.js';

/** Keys and values as they are on disk; text is made of them at the command line's edge. */
export type ByteFamily = ColumnFamily<Buffer, Buffer>;

/** Options that read a database that must exist, without writing to its directory. */
export const READ_ONLY: OpenOptions = { readOnly: true, createIfMissing: false };

export function interruptedFailure(detail = ''): CommandFailure {
  return new CommandFailure(`interrupted${detail}`, EXIT_INTERRUPTED);
}

/** Options of `open` that the command line sets; others keep the engine's defaults. */
export function engineOptions(options: EngineOptions): OpenOptions {
  const { mode, durability, cacheBytes } = options;
  return { mode, durability, cacheBytes };
}

/** Runs `body` on an open database. A failure of `body` counts more than one of closing. */
export async function withDatabase<T>(
  context: Context,
  path: string,
  options: OpenOptions,
  body: (db: Database) => Promise<T>,
): Promise<T> {
  if (path === '') throw new TypeError('the path of the database is empty');
  let db: Database;
  try {
    db = await open(path, { ...options, signal: context.interrupted });
  } catch (error) {
    if (context.interrupted.aborted) throw interruptedFailure();
    throw error;
  }
  let result: T;
  try {
    result = await body(db);
  } catch (error) {
    await db.close().catch(() => undefined);
    throw error;
  }
  await db.close();
  return result;
}

/** The family as bytes, whether it exists or not; for writing. */
export function byteFamily(db: Database, name: string): ByteFamily {
  return db.columnFamily<Buffer, Buffer>(name, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
}

/** The family as bytes; fails when it does not exist; for reading. */
export function existingFamily(db: Database, name: string): ByteFamily {
  const names = db.columnFamilies();
  if (names.includes(name)) return byteFamily(db, name);
  const known = names.map((other) => `"${other}"`).join(', ');
  throw new CommandFailure(`there is no column family "${name}"; there is ${known}`);
}

/** The bounds of the command line as a range of the engine. */
export function boundsOf(
  options: BoundOptions,
  encoding: TextEncoding,
): { gt?: Buffer; gte?: Buffer; lt?: Buffer; lte?: Buffer; prefix?: Buffer } {
  const bounds: Record<string, Buffer> = {};
  for (const name of ['gt', 'gte', 'lt', 'lte', 'prefix'] as const) {
    const text = options[name];
    if (text !== undefined) bounds[name] = parseBytes(text, encoding, `--${name}`);
  }
  return bounds;
}

/** Size of all files of a database directory together. */
export async function bytesOnDisk(path: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(path)) {
    const info = await stat(join(path, name));
    if (info.isFile()) bytes += info.size;
  }
  return bytes;
}

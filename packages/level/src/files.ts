/**
 * Opening, removing and repairing the directory of a database. Main thread.
 */
import { rmdirSync } from 'node:fs';
import { open, type Database, type OpenOptions } from '@manifold-db/core';
import { removeDatabaseFiles } from '@manifold-db/core/internal';
import { LevelError, existsMessage } from './errors.js';
import { engineOptions } from './options.js';

/** A directory that is not there, and one that holds other things as well. */
const STAYS = new Set(['ENOENT', 'ENOTEMPTY', 'EEXIST']);

/** @throws TypeError for anything that names no directory */
export function requireLocation(location: unknown): asserts location is string {
  if (typeof location === 'string' && location !== '') return;
  throw new TypeError("The first argument 'location' must be a non-empty string");
}

export function openDatabase(
  location: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Database> {
  const options = engineOptions(given);
  const mayNeitherExistNorBeMade = options.errorIfExists && !options.createIfMissing;
  return mayNeitherExistNorBeMade ? refuse(location) : open(location, options);
}

/**
 * With `errorIfExists` and without `createIfMissing`: the engine has no such open, programs on
 * abstract-level use it to learn whether a database is there.
 */
async function refuse(location: string): Promise<never> {
  const look: OpenOptions = { readOnly: true, createIfMissing: false };
  const found = await open(location, look);
  await found.close();
  throw new LevelError(undefined, existsMessage(location));
}

export function destroyDatabase(location: string): void {
  removeDatabaseFiles(location);
  try {
    rmdirSync(location);
  } catch (error) {
    if (!STAYS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

export async function repairDatabase(location: string): Promise<void> {
  const database = await open(location, { createIfMissing: false });
  const { ok, problems } = await database.verify().finally(() => database.close());
  if (ok) return;
  const [first] = problems;
  const place = first === undefined ? location : `${first.path}, offset ${first.offset}`;
  throw new LevelError(
    'LEVEL_CORRUPTION',
    `${place}: ${first?.message ?? 'damaged'} (${problems.length} problems in all); ` +
      'restore a backup',
  );
}

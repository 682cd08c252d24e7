/**
 * Opening: what is created, what is refused before any file is touched, and what the errors say.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { open, type OpenOptions } from '@manifold-db/core';
import { expect, it } from 'vitest';
import {
  SMALL,
  databasePath,
  expectCode,
  openSmall,
  tempDirectory,
} from './support/api-database.js';

it('creates the directory, and finds in it what was written before', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  expect(db.path).toBe(path);
  expect(db.stats().recovery).toMatchObject({ created: true, clean: true, commitsReplayed: 0 });
  await db.put('hello', 'world');
  await db.close();
  expect(existsSync(join(path, 'LOCK'))).toBe(false);

  const again = await openSmall(path);
  expect(again.get('hello')).toBe('world');
  expect(again.lastCommitted).toBe(1);
  expect(again.stats().recovery).toMatchObject({ created: false, clean: true, lastSequence: 1 });
});

it('takes a file: URL and a relative path, and makes both absolute', async () => {
  const path = databasePath();
  const db = await open(pathToFileURL(path), SMALL);
  expect(db.path).toBe(path);
  await db.close();
  const again = await openSmall(relative(process.cwd(), path), { createIfMissing: false });
  expect(again.path).toBe(path);
});

it('createIfMissing: false refuses a directory that is not there, or holds no database', async () => {
  const path = databasePath();
  const error = await expectCode(open(path, { createIfMissing: false }), 'ERR_MANIFOLD_NOT_FOUND');
  expect(error.message).toContain(path);
  expect(existsSync(path)).toBe(false);
  mkdirSync(path);
  await expectCode(open(path, { createIfMissing: false }), 'ERR_MANIFOLD_NOT_FOUND');
  expect(readdirSync(path)).toEqual([]);
});

it('errorIfExists refuses a database that is there and leaves it alone', async () => {
  const path = databasePath();
  const db = await openSmall(path, { errorIfExists: true });
  await db.put('a', '1');
  await db.close();
  const error = await expectCode(
    open(path, { ...SMALL, errorIfExists: true }),
    'ERR_MANIFOLD_EXISTS',
  );
  expect(error.message).toContain(path);
  expect((await openSmall(path)).get('a')).toBe('1');
});

it('refuses wrong options at once, naming option and limit, and creates nothing', () => {
  const path = databasePath();
  const wrong: [options: object, kind: ErrorConstructor, text: RegExp][] = [
    [{ mode: 'fast' }, RangeError, /options\.mode.*'pipelined'/],
    [{ durability: true }, TypeError, /options\.durability/],
    [{ cacheByte: 1 }, TypeError, /options\.cacheByte is not an option/],
    [{ cacheBytes: '64MB' }, TypeError, /options\.cacheBytes must be a number/],
    [{ cacheBytes: 1000 }, RangeError, /options\.cacheBytes.*1048576/],
    [{ pageBytes: 5000 }, RangeError, /options\.pageBytes.*power of two/],
    [{ walSegmentBytes: 2 ** 31 }, RangeError, /options\.walSegmentBytes/],
    [{ walBytesMax: 1024 }, RangeError, /options\.walBytesMax/],
    [{ pendingCommitsMax: 0 }, RangeError, /options\.pendingCommitsMax.*from 1 to/],
    [{ checkpointIntervalMs: 1.5 }, RangeError, /options\.checkpointIntervalMs/],
    [{ workers: { apply: 9 } }, RangeError, /options\.workers\.apply.*from 1 to 8/],
    [{ workers: { fsync: 2 } }, TypeError, /options\.workers\.fsync is not an option/],
    [{ readOnly: true, createIfMissing: true }, TypeError, /exclude each other/],
    [{ readOnly: true, errorIfExists: true }, TypeError, /createIfMissing/],
    [{ signal: 'now' }, TypeError, /options\.signal must be an AbortSignal/],
    [[], TypeError, /options must be an object/],
  ];
  for (const [options, kind, text] of wrong) {
    const call = (): unknown => open(path, options as OpenOptions);
    expect(call, JSON.stringify(options)).toThrow(kind);
    expect(call, JSON.stringify(options)).toThrow(text);
  }
  for (const bad of ['', 'a\0b', 3, new URL('https://example.org/')]) {
    expect(() => open(bad as string)).toThrow(TypeError);
  }
  expect(existsSync(path)).toBe(false);
});

it('refuses another page size than the database has', async () => {
  const path = databasePath();
  await (await openSmall(path, { pageBytes: 8192 })).close();
  const wrong = await expectCode(open(path, { ...SMALL, pageBytes: 4096 }), 'ERR_MANIFOLD_FORMAT');
  expect(wrong.message).toMatch(/8192.*4096/);
  expect((await openSmall(path)).stats().options.pageBytes).toBe(8192);
});

it('a path that is a file, or below one, gives a typed error', async () => {
  const file = join(tempDirectory(), 'file');
  writeFileSync(file, 'no directory');
  for (const path of [file, join(file, 'db')]) {
    const error = await open(path, SMALL).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ManifoldError' });
    expect((error as Error).message).toContain(file);
  }
});

it('an aborted signal stops the opening and leaves no lock behind', async () => {
  const path = databasePath();
  await (await openSmall(path)).close();
  const reason = new Error('enough');
  await expect(open(path, { ...SMALL, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const db = await openSmall(path, { signal: new AbortController().signal });
  await db.put('a', '1');
});

/**
 * A database written in one mode is opened in another, in every direction, after an orderly close
 * and after `kill -9` of the process that wrote: it holds the commits of a prefix, every
 * acknowledged one among them, and goes on from there.
 */
import { once } from 'node:events';
import type { CommitMode, Database } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { startProgram, whenGone } from './support/api-child.js';
import { SMALL, databasePath, openSmall } from './support/api-database.js';
import { MODES, tourOfModes } from './support/modes.js';
import {
  COMMITTING_PROGRAM,
  contentAfter,
  contentOf,
  numberedCommit,
  startCommit,
} from './support/numbered-commits.js';

const LIMIT_MS = 120_000;
/** Enough to seal several write buffers of the smallest size. */
const COMMITS = 150;
const ADDED = 40;
const IN_FLIGHT = 6;

const DIRECTIONS = MODES.flatMap((from) => MODES.map((to) => ({ from, to })));

/** Commits `count` more, and leaves some of them unacknowledged for a while. */
async function commitMore(db: Database, count: number): Promise<Promise<unknown>[]> {
  const first = db.lastCommitted + 1;
  const pending: Promise<unknown>[] = [];
  for (let number = first; number < first + count; number++) {
    pending.push(startCommit(db, numberedCommit(number)));
    if (number % 20 === 0) await pending.at(-1);
  }
  return pending;
}

/** Runs the program until it has acknowledged so many, and kills it. The highest one. */
async function commitAndKill(path: string, mode: CommitMode, count: number): Promise<number> {
  const options = JSON.stringify({ ...SMALL, mode });
  const child = startProgram(COMMITTING_PROGRAM, [path, options, String(IN_FLIGHT)]);
  const gone = once(child, 'close');
  let printed = '';
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    if (printed.split('\n').length > count) child.kill('SIGKILL');
  });
  const [, signal] = (await gone) as [number | null, string | null];
  await whenGone(child);
  expect(signal, errors).toBe('SIGKILL');
  // The last line may be cut off.
  const lines = printed.slice(0, printed.lastIndexOf('\n')).split('\n');
  return Math.max(...lines.map(Number));
}

it('after an orderly close, in every direction', { timeout: LIMIT_MS }, async () => {
  const path = databasePath();
  let last = 0;
  let before = 'nothing';
  for (const mode of tourOfModes()) {
    const direction = `from ${before} to ${mode}`;
    const db = await openSmall(path, { mode });
    expect(db.stats().options.mode).toBe(mode);
    if (last > 0) {
      const { recovery } = db.stats();
      expect(recovery, direction).toMatchObject({ clean: true, lastSequence: last });
    }
    expect(contentOf(db), direction).toEqual(contentAfter(last));
    const pending = await commitMore(db, ADDED);
    last += ADDED;
    await db.close();
    await Promise.all(pending);
    before = mode;
  }
  const db = await openSmall(path);
  expect(contentOf(db)).toEqual(contentAfter(last));
  expect(await db.verify()).toMatchObject({ ok: true, problems: [] });
});

describe('after kill -9', () => {
  it.each(DIRECTIONS)('from $from to $to', { timeout: LIMIT_MS }, async ({ from, to }) => {
    const path = databasePath();
    const acknowledged = await commitAndKill(path, from, COMMITS);
    const db = await openSmall(path, { mode: to });
    const { lastCommitted } = db;
    expect(lastCommitted).toBeGreaterThanOrEqual(acknowledged);
    expect(contentOf(db)).toEqual(contentAfter(lastCommitted));
    await Promise.all(await commitMore(db, ADDED));
    expect(db.lastCommitted).toBe(lastCommitted + ADDED);
    expect(contentOf(db)).toEqual(contentAfter(lastCommitted + ADDED));
    expect(await db.verify()).toMatchObject({ ok: true, problems: [] });
  });
});

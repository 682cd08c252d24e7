/**
 * Commits that follow from their number alone, so that the sequence at which a database stands says
 * what it must hold. A killed process runs the same functions: they are handed to it as text, and
 * use nothing from outside. Test thread, and processes of their own.
 */
import type { Database } from '@manifold-db/core';

/** What commit `number` does; families by name. */
export interface NumberedCommit {
  readonly dropped: string | undefined;
  /** In `left`, keys from here on are cleared before anything is put. */
  readonly clearedFrom: string | undefined;
  readonly deleted: readonly [family: string, key: string][];
  readonly put: readonly [family: string, key: string, value: string][];
}

export function numberedCommit(number: number): NumberedCommit {
  const none = { dropped: undefined, clearedFrom: undefined, deleted: [], put: [] };
  if (number % 41 === 0) return { ...none, dropped: 'right' };
  const value = `${number}:`;
  const large = number % 3 === 0 ? 40_000 : 300;
  return {
    dropped: undefined,
    clearedFrom: number % 23 === 0 ? `k${number % 40}` : undefined,
    deleted: [['right', `k${(number * 7) % 40}`]],
    put: [
      ['left', `k${number % 40}`, value.padEnd(large, 'x')],
      ['right', `k${(number * 3) % 40}`, value.padEnd(200, 'y')],
      ['default', `n${number}`, value],
    ],
  };
}

/** Starts the commit on a database; each has a sequence of its own: the commit's number. */
export function startCommit(db: Database, commit: NumberedCommit): Promise<unknown> {
  if (commit.dropped !== undefined) return db.dropColumnFamily(commit.dropped);
  return db.write((tx) => {
    const { clearedFrom } = commit;
    if (clearedFrom !== undefined) tx.clear(db.columnFamily('left'), { gte: clearedFrom });
    for (const [family, key] of commit.deleted) tx.delete(db.columnFamily(family), key);
    for (const [family, key, value] of commit.put) tx.put(db.columnFamily(family), key, value);
  });
}

/** All entries, as sorted `family/key=value` lines, after the commits 1 to `count`. */
export function contentAfter(count: number): string[] {
  const content = new Map<string, Map<string, string>>();
  const familyOf = (name: string): Map<string, string> => {
    const family = content.get(name) ?? new Map<string, string>();
    content.set(name, family);
    return family;
  };
  for (let number = 1; number <= count; number++) {
    const { dropped, clearedFrom, deleted, put } = numberedCommit(number);
    if (dropped !== undefined) content.delete(dropped);
    for (const key of clearedFrom === undefined ? [] : familyOf('left').keys()) {
      if (key >= clearedFrom!) familyOf('left').delete(key);
    }
    for (const [family, key] of deleted) familyOf(family).delete(key);
    for (const [family, key, value] of put) familyOf(family).set(key, value);
  }
  return [...content]
    .flatMap(([name, family]) => [...family].map(([key, value]) => `${name}/${key}=${value}`))
    .sort();
}

/** The same of a database. */
export function contentOf(db: Database): string[] {
  return db
    .columnFamilies()
    .flatMap((name) => {
      return Array.from(
        db.columnFamily(name).entries(),
        ([key, value]) => `${name}/${key}=${value}`,
      );
    })
    .sort();
}

/** A program that commits without end, prints each number once it is acknowledged. */
export const COMMITTING_PROGRAM = `
  import { writeSync } from 'node:fs';
  import { open } from '@manifold-db/core';
  ${numberedCommit.toString()}
  ${startCommit.toString()}
  const [path, options, inFlight] = process.argv.slice(1);
  const db = await open(path, JSON.parse(options));
  const pending = [];
  for (let number = db.lastCommitted + 1; ; number++) {
    const committed = startCommit(db, numberedCommit(number));
    pending.push(committed.then(() => writeSync(1, number + '\\n')));
    if (pending.length >= Number(inFlight)) await pending.shift();
  }
`;

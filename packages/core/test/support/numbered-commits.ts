/**
 * Commits that follow from their number alone, so that the sequence at which a database stands says
 * what it must hold. A killed process runs the same functions: they are handed to it as text, and
 * use nothing from outside. Test thread, and processes of their own.
 */
import type { CommitOptions, Database, WriteTransaction } from '@manifold-db/core';

/** What commit `number` does; families by name. */
export interface NumberedCommit {
  readonly dropped: string | undefined;
  /** In `left`, keys from here on are cleared before anything is put. */
  readonly clearedFrom: string | undefined;
  readonly deleted: readonly [family: string, key: string][];
  readonly put: readonly [family: string, key: string, value: string][];
}

/** The tag tells apart what different processes commit under the same number. */
export function numberedCommit(number: number, tag = ''): NumberedCommit {
  const none = { dropped: undefined, clearedFrom: undefined, deleted: [], put: [] };
  if (number % 41 === 0) return { ...none, dropped: 'right' };
  const value = `${number}:${tag}`;
  const large = number % 3 === 0 ? 120_000 : 300;
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

/** What the transaction of a commit does, unless it drops a family. */
export function buildCommit(db: Database, commit: NumberedCommit, tx: WriteTransaction): void {
  const { clearedFrom } = commit;
  if (clearedFrom !== undefined) tx.clear(db.columnFamily('left'), { gte: clearedFrom });
  for (const [family, key] of commit.deleted) tx.delete(db.columnFamily(family), key);
  for (const [family, key, value] of commit.put) tx.put(db.columnFamily(family), key, value);
}

/** Starts the commit on a database; each has a sequence of its own: the commit's number. */
export function startCommit(
  db: Database,
  commit: NumberedCommit,
  options: CommitOptions = {},
): Promise<unknown> {
  if (commit.dropped !== undefined) return db.dropColumnFamily(commit.dropped, options);
  return db.write((tx) => buildCommit(db, commit, tx), options);
}

/** What a database holds after the commits 1 to some number, which only grows. */
export class NumberedContent {
  readonly #content = new Map<string, Map<string, string>>();
  count = 0;

  goOnTo(count: number, tag = ''): void {
    while (this.count < count) this.#apply(numberedCommit(++this.count, tag));
  }

  /** All entries, as sorted `family/key=value` lines. */
  lines(): string[] {
    return [...this.#content]
      .flatMap(([name, family]) => [...family].map(([key, value]) => `${name}/${key}=${value}`))
      .sort();
  }

  #familyOf(name: string): Map<string, string> {
    const family = this.#content.get(name) ?? new Map<string, string>();
    this.#content.set(name, family);
    return family;
  }

  #apply({ dropped, clearedFrom, deleted, put }: NumberedCommit): void {
    if (dropped !== undefined) this.#content.delete(dropped);
    for (const key of clearedFrom === undefined ? [] : this.#familyOf('left').keys()) {
      if (key >= clearedFrom!) this.#familyOf('left').delete(key);
    }
    for (const [family, key] of deleted) this.#familyOf(family).delete(key);
    for (const [family, key, value] of put) this.#familyOf(family).set(key, value);
  }
}

/** All entries, as sorted `family/key=value` lines, after the commits 1 to `count`. */
export function contentAfter(count: number): string[] {
  const content = new NumberedContent();
  content.goOnTo(count);
  return content.lines();
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
  ${buildCommit.toString()}
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

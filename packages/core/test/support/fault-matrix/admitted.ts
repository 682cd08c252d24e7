/**
 * What a database may hold after commits of which some failed: the commits that were not refused,
 * in the order of the calls, are the sequences 1, 2, 3, and so on, whatever became of the last of
 * them. Every recovered state is a prefix of them that has everything acknowledged.
 */
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import type { Commit, Durability } from '@manifold-db/core';
import type { Outcome } from '../faults.js';
import { readState, stateLine } from '../history.js';

/** One commit: a family that is dropped, or keys that are cleared, deleted and put. */
export interface Change {
  readonly dropped?: string;
  /** Family whose keys from `from` on go first. */
  readonly cleared?: { readonly family: string; readonly from: string };
  readonly deleted?: readonly (readonly [family: string, key: string])[];
  readonly put?: readonly (readonly [family: string, key: string, value: string])[];
}

export function submit(db: ManifoldDatabase, change: Change, durability: Durability) {
  const { dropped, cleared, deleted = [], put = [] } = change;
  if (dropped !== undefined) return db.dropColumnFamily(dropped, { durability });
  return db.write(
    (tx) => {
      if (cleared !== undefined) tx.clear(db.columnFamily(cleared.family), { gte: cleared.from });
      for (const [family, key] of deleted) tx.delete(db.columnFamily(family), key);
      for (const [family, key, value] of put) tx.put(db.columnFamily(family), key, value);
    },
    { durability },
  );
}

type Content = Map<string, Map<string, string>>;

function apply(content: Content, { dropped, cleared, deleted = [], put = [] }: Change): void {
  const familyOf = (name: string): Map<string, string> => {
    const family = content.get(name) ?? new Map<string, string>();
    content.set(name, family);
    return family;
  };
  if (dropped !== undefined) content.delete(dropped);
  if (cleared !== undefined) {
    const family = familyOf(cleared.family);
    for (const key of family.keys()) if (key >= cleared.from) family.delete(key);
  }
  for (const [family, key] of deleted) familyOf(family).delete(key);
  for (const [family, key, value] of put) familyOf(family).set(key, stateLine(family, key, value));
}

function linesOf(content: Content): string[] {
  return [...content.values()].flatMap((family) => [...family.values()]).sort();
}

export class Admitted {
  /** State after each sequence. */
  readonly states: (readonly string[])[];
  /** Highest sequence that was acknowledged as surviving a power loss, and a dead process. */
  synced = 0;
  written = 0;
  readonly #changes: Change[];
  readonly #content: Content = new Map();

  /** Of a new database, or of one that goes on from `before`. */
  constructor(before?: Admitted) {
    this.states = before?.states.slice() ?? [[]];
    this.synced = before?.synced ?? 0;
    this.written = before?.written ?? 0;
    this.#changes = before === undefined ? [] : before.#changes.slice();
    for (const change of this.#changes) apply(this.#content, change);
  }

  /** The next commit in the order of the calls; what is wrong with its outcome, if anything. */
  add(change: Change, durability: Durability, outcome: Outcome<Commit>): string | undefined {
    const { value, code } = outcome;
    if (value === undefined && code !== 'ERR_MANIFOLD_INDETERMINATE') return undefined;
    // Dropping what is not there is no commit.
    const isEmpty = change.dropped !== undefined && !this.#content.has(change.dropped);
    if (!isEmpty) {
      apply(this.#content, change);
      this.#changes.push(change);
      this.states.push(linesOf(this.#content));
    }
    if (value === undefined) return undefined;
    const sequence = this.states.length - 1;
    if (value.sequence !== sequence) {
      return `commit ${sequence} was acknowledged as ${value.sequence}`;
    }
    if (durability === 'immediate') this.synced = sequence;
    if (durability !== 'none') this.written = sequence;
    return undefined;
  }

  /**
   * A database goes on from what it recovered: commits behind that are gone for good. What is wrong
   * with it.
   */
  goOn(db: ManifoldDatabase, acknowledged: number): string | undefined {
    const problem = this.problem(db, acknowledged);
    if (problem !== undefined) return problem;
    this.#changes.length = db.lastCommitted;
    this.states.length = db.lastCommitted + 1;
    this.written = Math.min(this.written, db.lastCommitted);
    this.#content.clear();
    for (const change of this.#changes) apply(this.#content, change);
    return undefined;
  }

  /** What is wrong with a recovered database. */
  problem(db: ManifoldDatabase, acknowledged: number): string | undefined {
    return this.problemOf(db.lastCommitted, readState(db), acknowledged);
  }

  problemOf(sequence: number, found: readonly string[], least: number): string | undefined {
    if (sequence < least) return `commit ${least} is lost, ${sequence} is the last`;
    const expected = this.states[sequence];
    if (expected === undefined) return `there is no commit ${sequence}`;
    const isSame = found.length === expected.length && found.every((one, i) => one === expected[i]);
    if (isSame) return undefined;
    const wrong = found.find((one, i) => one !== expected[i]) ?? expected[found.length];
    return `state of commit ${sequence} differs at ${wrong?.slice(0, 60)}`;
  }
}

/**
 * What the databases must do, in the plainest way: every state that a commit left behind, and
 * transactions on copies of one. The changes of every commit also go to a content oracle, which
 * knows nothing of this model.
 */
import type { KeyBounds, KeyRange } from '@manifold-db/core';
import { Oracle, utf8Order } from '../api-oracle.js';
import type { Select } from './commands.js';
import type { ContentOracle } from './content-oracle.js';
import { ModelWalk } from './model-walk.js';
import { firstDifference } from './outcome.js';

export type Contents = Oracle<string, string>;

/** One change, as it stands in the log. */
export type Change =
  | { readonly op: 'put'; readonly family: string; readonly key: string; readonly value: string }
  | { readonly op: 'delete'; readonly family: string; readonly key: string }
  | { readonly op: 'clear'; readonly family: string; readonly bounds: KeyBounds<string> }
  | { readonly op: 'drop'; readonly family: string };

/** The databases after one commit. Never changed. */
export class ModelState {
  readonly sequence: number;
  readonly families: ReadonlyMap<string, Contents>;

  constructor(sequence: number, families: ReadonlyMap<string, Contents>) {
    this.sequence = sequence;
    this.families = families;
  }

  /** Of a family that is not there: nothing. */
  contents(family: string): Contents {
    return this.families.get(family) ?? new Oracle<string, string>(utf8Order);
  }

  names(): string[] {
    return [...new Set([...this.families.keys(), 'default'])].sort();
  }
}

interface Mark {
  readonly families: ReadonlyMap<string, Contents>;
  readonly changeCount: number;
  readonly operationCount: number;
}

/** Which keys of a family a transaction has read. */
interface Read {
  readonly family: string;
  covers(key: string): boolean;
}

export class ModelTransaction {
  readonly base: ModelState;
  changes: Change[] = [];
  /** Creations of families count as operations too. */
  operationCount = 0;
  #families: Map<string, Contents>;
  /** Families whose contents are this transaction's own copy. */
  #own = new Set<string>();
  readonly #reads: Read[] = [];

  constructor(base: ModelState) {
    this.base = base;
    this.#families = new Map(base.families);
  }

  contents(family: string): Contents {
    return this.#families.get(family) ?? new Oracle<string, string>(utf8Order);
  }

  state(sequence: number): ModelState {
    return new ModelState(sequence, this.#families);
  }

  put(family: string, key: string, value: string): void {
    if (!this.#families.has(family)) {
      this.#families.set(family, new Oracle<string, string>(utf8Order));
      this.operationCount++;
    }
    this.#change({ op: 'put', family, key, value }).put(key, value);
  }

  /** A key that is not there changes nothing. */
  delete(family: string, key: string): void {
    this.noteKey(family, key);
    if (this.contents(family).get(key) === undefined) return;
    this.#change({ op: 'delete', family, key }).delete(key);
  }

  clear(family: string, bounds: KeyBounds<string>): void {
    this.noteRange(family, bounds);
    if (this.contents(family).range(bounds).length === 0) return;
    this.#change({ op: 'clear', family, bounds }).clear(bounds);
  }

  drop(family: string): void {
    if (!this.#families.has(family)) return;
    this.#change({ op: 'drop', family });
    this.#families.delete(family);
  }

  #change(change: Change): Contents {
    this.changes.push(change);
    this.operationCount++;
    const { family } = change;
    if (!this.#own.has(family)) {
      this.#families.set(family, this.contents(family).copy());
      this.#own.add(family);
    }
    return this.#families.get(family)!;
  }

  walk(family: string, range: KeyRange<string>, select: Select): ModelWalk {
    const walk = new ModelWalk(this.contents(family), range, select);
    this.#reads.push({
      family,
      covers: (key) => walk.stretches.some((stretch) => stretch.covers(key)),
    });
    return walk;
  }

  noteKey(family: string, key: string): void {
    this.#reads.push({ family, covers: (other) => other === key });
  }

  noteRange(family: string, range: KeyRange<string>): void {
    const contents = this.base.contents(family);
    this.#reads.push({ family, covers: (key) => contents.isWithin(key, range) });
  }

  mark(): Mark {
    // Who changes a family from here on changes a copy.
    this.#own = new Set();
    const { operationCount } = this;
    return { families: new Map(this.#families), changeCount: this.changes.length, operationCount };
  }

  rollBackTo(mark: Mark): void {
    this.#families = new Map(mark.families);
    this.#own = new Set();
    this.changes = this.changes.slice(0, mark.changeCount);
    this.operationCount = mark.operationCount;
  }

  /** Whether all that was read of the base reads the same in another state. */
  isCurrentIn(state: ModelState): boolean {
    return this.#reads.every(({ family, covers }) => {
      const [was, is] = [this.base, state].map((version) => version.contents(family));
      if (was === is) return true;
      const seen = (contents: Contents) => contents.range().filter(([key]) => covers(key));
      return firstDifference(seen(is!), seen(was!)) === undefined;
    });
  }
}

export class HistoryModel {
  /** By sequence. */
  readonly states: ModelState[] = [new ModelState(0, new Map())];
  readonly #oracle: ContentOracle;

  constructor(oracle: ContentOracle) {
    this.#oracle = oracle;
  }

  get newest(): ModelState {
    return this.states.at(-1)!;
  }

  begin(base = this.newest): ModelTransaction {
    return new ModelTransaction(base);
  }

  /** Sequence of the commit; of the last one when nothing was changed. */
  commit(transaction: ModelTransaction): number {
    const { newest } = this;
    if (transaction.changes.length === 0) return newest.sequence;
    const sequence = newest.sequence + 1;
    this.states.push(transaction.state(sequence));
    this.#oracle.apply(transaction.changes);
    return sequence;
  }

  /** The same changes on the newest state. */
  replay(transaction: ModelTransaction): ModelTransaction {
    const again = this.begin();
    for (const change of transaction.changes) {
      if (change.op === 'put') again.put(change.family, change.key, change.value);
      else if (change.op === 'delete') again.delete(change.family, change.key);
      else if (change.op === 'clear') again.clear(change.family, change.bounds);
      else again.drop(change.family);
    }
    return again;
  }
}

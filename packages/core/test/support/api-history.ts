/**
 * A random history of commits over several families, run on a database and on a plain model at
 * once. Test thread.
 */
import type { Database, Durability, WriteTransaction } from '@manifold-db/core';
import { expect } from 'vitest';
import { Random } from './api-random.js';

const FAMILIES = ['default', 'a', 'b', 'c', 'd', 'e'];
const KEYS = 150;
const DURABILITIES: readonly Durability[] = ['immediate', 'async', 'none'];
/** Lengths of values: inside a leaf, most of a leaf, in overflow pages. */
const VALUE_BYTES = [0, 10, 100, 900, 3000, 9000];

type Content = Map<string, string>;

/** A put, or a delete when there is no value. */
interface Step {
  readonly name: string;
  readonly key: string;
  readonly value: string | undefined;
}

export class RandomHistory {
  /** Families that exist, with what they hold. */
  readonly model = new Map<string, Content>();
  readonly #random: Random;
  #commits = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Runs commits without waiting for each; resolves when all are acknowledged. */
  async run(db: Database, commits: number): Promise<void> {
    const pending: Promise<unknown>[] = [];
    for (let at = 0; at < commits; at++) {
      pending.push(this.#commit(db));
      if (this.#random.chance(0.1)) await pending.at(-1);
      if (this.#random.chance(0.02)) pending.push(db.checkpoint());
      if (this.#random.chance(0.1)) this.#look(db);
    }
    await Promise.all(pending);
  }

  /** The database holds exactly what the model holds. */
  check(db: Database): void {
    expect(db.columnFamilies()).toEqual([...new Set([...this.model.keys(), 'default'])].sort());
    for (const name of FAMILIES) {
      const expected = [...(this.model.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
      const family = db.columnFamily(name);
      expect([...family.entries()]).toEqual(expected);
      expect(family.count()).toBe(expected.length);
    }
  }

  #commit(db: Database): Promise<unknown> {
    const random = this.#random;
    this.#commits++;
    const durability = random.pick(DURABILITIES);
    const name = random.pick(FAMILIES);
    const family = db.columnFamily(name);
    const key = this.#key();
    const kind = random.below(20);
    if (kind < 8) {
      const value = this.#value();
      this.#content(name).set(key, value);
      return family.put(key, value, { durability });
    }
    if (kind < 11) {
      this.model.get(name)?.delete(key);
      return family.delete(key, { durability });
    }
    if (kind === 11) {
      this.#clear(name, key, `${key}~`);
      return family.clear({ gte: key, lt: `${key}~` }, { durability });
    }
    if (kind === 12) {
      this.model.delete(name);
      return db.dropColumnFamily(name, { durability });
    }
    if (kind === 13) return this.#batch(db, durability);
    return this.#write(db, durability);
  }

  #batch(db: Database, durability: Durability): Promise<unknown> {
    const batch = db.batch();
    for (const { name, key, value } of this.#plan(20)) {
      const family = db.columnFamily(name);
      if (value === undefined) batch.delete(family, key);
      else batch.put(family, key, value);
    }
    return batch.write({ durability });
  }

  #write(db: Database, durability: Durability): Promise<unknown> {
    const steps = this.#plan(30);
    const run = (tx: WriteTransaction): void => {
      for (const { name, key, value } of steps) {
        const family = db.columnFamily(name);
        if (value === undefined) tx.delete(family, key);
        else tx.put(family, key, value);
      }
    };
    return db.write(run, { durability });
  }

  /** Steps of one commit. The model follows the order of the calls, as the database must. */
  #plan(stepsMax: number): Step[] {
    const random = this.#random;
    return Array.from({ length: random.below(stepsMax) }, () => {
      const step = { name: random.pick(FAMILIES), key: this.#key(), value: this.#maybeValue() };
      if (step.value === undefined) this.model.get(step.name)?.delete(step.key);
      else this.#content(step.name).set(step.key, step.value);
      return step;
    });
  }

  #maybeValue(): string | undefined {
    return this.#random.chance(0.7) ? this.#value() : undefined;
  }

  #look(db: Database): void {
    const name = this.#random.pick(FAMILIES);
    void db.columnFamily(name).get(this.#key());
  }

  #content(name: string): Content {
    let content = this.model.get(name);
    if (content === undefined) this.model.set(name, (content = new Map<string, string>()));
    return content;
  }

  #clear(name: string, low: string, high: string): void {
    const content = this.model.get(name);
    if (content === undefined) return;
    for (const key of content.keys()) {
      if (key >= low && key < high) content.delete(key);
    }
  }

  #key(): string {
    return `key${this.#random.below(KEYS)}`;
  }

  #value(): string {
    const bytes = this.#random.pick(VALUE_BYTES);
    return bytes === 0 ? '' : `${this.#commits}:`.padEnd(bytes, 'x');
  }
}

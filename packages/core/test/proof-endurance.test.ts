/**
 * Endurance: mixed load on a bounded set of keys, snapshots opened and closed, families created and
 * dropped, the database opened anew for every cycle. Sizes of data file and log, memory, open files
 * and threads reach a plateau; the same for opening and closing alone.
 */
import { open, type Database } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { SMALL, databasePath } from './support/api-database.js';
import { growing, usageOf, type Usage } from './support/endurance.js';
import { MODES } from './support/modes.js';
import { proof, type ProofRun } from './support/proof.js';
import { randomFrom } from './support/simulator.js';

const COMMITS_PER_CYCLE = 700;
const KEYS = 1500;
const FAMILIES = 5;
const SNAPSHOTS_MAX = 4;
const LARGE_BYTES = 60_000;
const VALUE_BYTES_MAX = 600;
/** Fewer cycles say nothing about a plateau. */
const CYCLES_MIN = 12;
const OPENINGS = 100;
const MS_PER_SECOND = 1000;

class Load {
  readonly #db: Database;
  readonly #random: () => number;
  readonly #snapshots: { close(): void }[] = [];

  constructor(db: Database, random: () => number) {
    this.#db = db;
    this.#random = random;
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #family() {
    return this.#db.columnFamily(`family-${this.#pick(FAMILIES)}`);
  }

  #key(): string {
    return `key-${String(this.#pick(KEYS)).padStart(5, '0')}`;
  }

  #value(): string {
    const bytes = this.#random() < 0.01 ? LARGE_BYTES : 20 + this.#pick(VALUE_BYTES_MAX);
    return 'v'.repeat(bytes);
  }

  async run(): Promise<void> {
    for (let i = 0; i < COMMITS_PER_CYCLE; i++) await this.#one();
    for (const snapshot of this.#snapshots) snapshot.close();
    await this.#db.checkpoint();
  }

  async #one(): Promise<void> {
    const roll = this.#random();
    const durability = 'none';
    if (roll < 0.5) await this.#family().put(this.#key(), this.#value(), { durability });
    else if (roll < 0.65) await this.#family().delete(this.#key(), { durability });
    else if (roll < 0.8) await this.#transaction();
    else if (roll < 0.9) this.#read();
    else if (roll < 0.97) this.#snapshot();
    else if (roll < 0.98) await this.#db.checkpoint();
    else if (roll < 0.99) await this.#family().clear({ gte: this.#key() }, { durability });
    else await this.#db.dropColumnFamily(`family-${this.#pick(FAMILIES)}`);
  }

  async #transaction(): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const family = this.#family();
      for (let i = 0; i < 8; i++) {
        const key = this.#key();
        if (tx.has(family, key)) tx.delete(family, key);
        else tx.put(family, key, this.#value());
        await Promise.resolve();
      }
    });
  }

  /** Half of the iterators are left before their end. */
  #read(): void {
    const snapshot = this.#db.snapshot();
    const entries = this.#family().entries({ snapshot, gte: this.#key() });
    let left = this.#random() < 0.5 ? 10 : Infinity;
    for (const _entry of entries) if (--left <= 0) break;
    snapshot.close();
  }

  #snapshot(): void {
    this.#snapshots.push(this.#db.snapshot());
    if (this.#snapshots.length > SNAPSHOTS_MAX) {
      this.#snapshots.splice(this.#pick(SNAPSHOTS_MAX), 1)[0]!.close();
    }
  }
}

async function cycles(run: ProofRun): Promise<void> {
  const path = databasePath();
  const random = randomFrom(run.seed);
  const usages: Usage[] = [];
  while (!run.isOver || usages.length < CYCLES_MIN) {
    const mode = MODES[usages.length % MODES.length]!;
    const db = await open(path, { ...SMALL, mode, checkpointIntervalMs: 100 });
    await new Load(db, random).run();
    await db.close();
    usages.push(await usageOf(path));
    run.done = Math.floor(run.elapsedMs / MS_PER_SECOND);
  }
  run.figure('cycles', usages.length);
  for (const text of growing(usages)) run.problem('all', text);
  for (const [name, value] of Object.entries(usages.at(-1)!)) run.figure(name, value as number);
}

describe('endurance', () => {
  proof({ name: 'endurance', unit: 'seconds', small: 30, large: 1200 }, cycles);

  it('opens and closes without leaving anything behind', { timeout: 300_000 }, async () => {
    const path = databasePath();
    const usages: Usage[] = [];
    for (let i = 0; i < OPENINGS; i++) {
      const db = await open(path, { ...SMALL, mode: MODES[i % MODES.length]! });
      await db.put('opened', String(i));
      await db.close();
      usages.push(await usageOf(path));
    }
    expect(growing(usages)).toEqual([]);
  });
});

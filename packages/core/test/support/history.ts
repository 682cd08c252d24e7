/**
 * A seeded history of mixed commits with a model of what each one leaves behind, run on a simulated
 * engine: puts, deletes, range clears, dropped and re-created families, large values, checkpoints.
 */
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import type { ColumnFamily, ReadOptions, WriteTransaction } from '@manifold-db/core';
import { checksum } from '@manifold-db/storage';
import { randomFrom, type Simulation } from './simulator.js';

/** Entries of all families, as sorted `family/key=digest of the value` lines. */
export type ModelState = readonly string[];

type Model = Map<string, Map<string, string>>;

export interface HistoryRun {
  /** State after each sequence; index 0 is the empty database. */
  readonly states: ModelState[];
  /** Highest sequence that was acknowledged as durable. */
  acknowledged: number;
}

export interface HistoryOptions {
  readonly commits: number;
  readonly seed: number;
  /** Commits between two explicit checkpoints. */
  readonly checkpointEvery?: number;
  /** Most commits that wait for their acknowledgement at once. */
  readonly inFlight?: number;
  /** Length of the few large values; larger ones fill log segments sooner. */
  readonly largeBytes?: number;
  /** How many of the values are large; default a few. */
  readonly largeShare?: number;
  /** No commit while an explicit checkpoint runs. */
  readonly waitsForCheckpoints?: boolean;
  /** Called between two commits, after commit number `sequence` was called. */
  readonly between?: (sequence: number) => void;
}

export function stateLine(family: string, key: string, value: string): string {
  return `${family}/${key}=${value.slice(0, 20)} ${value.length} ${checksum(Buffer.from(value))}`;
}

const FAMILIES = ['default', 'left', 'right'];
const KEYS = 120;
const LARGE_BYTES = 9000;
const LARGE_SHARE = 0.03;
const STEPS_MAX = 5;
const STEPS_SEED = 0x5eed;

type Write = (database: ManifoldDatabase) => Promise<{ sequence: number }>;
type Step = (families: Map<string, ColumnFamily>, tx: WriteTransaction) => void;

class HistoryMaker {
  readonly #model: Model = new Map(FAMILIES.map((name) => [name, new Map<string, string>()]));
  readonly #random: () => number;
  readonly #largeBytes: number;
  readonly #largeShare: number;
  #counter = 0;

  constructor({ seed, largeBytes, largeShare }: HistoryOptions) {
    this.#random = randomFrom(seed);
    this.#largeBytes = largeBytes ?? LARGE_BYTES;
    this.#largeShare = largeShare ?? LARGE_SHARE;
  }

  /** The next commit, applied to the model at once. */
  next(): Write {
    const kind = this.#random();
    if (kind < 0.04) return this.#clear();
    if (kind < 0.06) return this.#drop();
    return this.#transaction();
  }

  state(): ModelState {
    const lines: string[] = [];
    for (const [family, entries] of this.#model) {
      for (const [key, value] of entries) lines.push(stateLine(family, key, value));
    }
    return lines.sort();
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #key(): string {
    return `key-${String(this.#pick(KEYS)).padStart(4, '0')}`;
  }

  #value(): string {
    const text = `value-${this.#counter++}-`;
    const roll = this.#random();
    if (roll < this.#largeShare) return text.padEnd(this.#largeBytes, 'x');
    return text.padEnd(20 + this.#pick(200), '.');
  }

  #transaction(): Write {
    const steps: Step[] = [];
    // At least one put, so that every commit has a sequence of its own.
    for (let count = 1 + this.#pick(8); count > 0; count--) {
      const family = FAMILIES[this.#pick(FAMILIES.length)]!;
      const key = this.#key();
      if (steps.length > 0 && this.#random() < 0.25) {
        this.#model.get(family)!.delete(key);
        steps.push((families, tx) => tx.delete(families.get(family)!, key));
      } else {
        const value = this.#value();
        this.#model.get(family)!.set(key, value);
        steps.push((families, tx) => tx.put(families.get(family)!, key, value));
      }
    }
    return (database) => {
      const families = new Map(FAMILIES.map((name) => [name, database.columnFamily(name)]));
      return database.write((tx) => {
        for (const step of steps) step(families, tx);
      });
    };
  }

  #clear(): Write {
    const family = FAMILIES[this.#pick(FAMILIES.length)]!;
    const from = this.#key();
    const entries = this.#model.get(family)!;
    const marker = this.#value();
    for (const key of entries.keys()) if (key >= from) entries.delete(key);
    entries.set('key-marker', marker);
    return (database) =>
      database.write((tx) => {
        const handle = database.columnFamily(family);
        tx.clear(handle, { gte: from });
        tx.put(handle, 'key-marker', marker);
      });
  }

  #drop(): Write {
    const family = FAMILIES[1 + this.#pick(FAMILIES.length - 1)]!;
    const entries = this.#model.get(family)!;
    if (entries.size === 0) return this.#transaction();
    entries.clear();
    return (database) => database.dropColumnFamily(family);
  }
}

/** Runs the history; every state and acknowledgement is recorded as it happens. */
export async function runHistory(
  { database, host }: Simulation,
  options: HistoryOptions,
  run: HistoryRun,
): Promise<void> {
  const maker = new HistoryMaker(options);
  const random = randomFrom(options.seed ^ STEPS_SEED);
  run.states.push(maker.state());
  const pending = new Set<Promise<void>>();
  const checkpoints: Promise<void>[] = [];
  for (let i = 1; i <= options.commits; i++) {
    const write = maker.next();
    run.states.push(maker.state());
    const commit = write(database).then(({ sequence }) => {
      run.acknowledged = Math.max(run.acknowledged, sequence);
    });
    pending.add(commit);
    void commit.finally(() => pending.delete(commit)).catch(() => {});
    // Between two commits the other threads get anything from nothing to several steps.
    for (let steps = Math.floor(random() * STEPS_MAX); steps > 0; steps--) host.stepOne();
    while (pending.size >= (options.inFlight ?? 5)) await host.run(Promise.race(pending));
    if (options.checkpointEvery !== undefined && i % options.checkpointEvery === 0) {
      const checkpoint = database.checkpoint();
      if (options.waitsForCheckpoints === true) await host.run(checkpoint);
      else checkpoints.push(checkpoint);
    }
    options.between?.(i);
  }
  await host.run(Promise.all([...pending, ...checkpoints]));
}

/** The state that a database (or the version that the options name) holds, like the model. */
export function readState(database: ManifoldDatabase, options?: ReadOptions): ModelState {
  const lines: string[] = [];
  for (const name of new Set([...FAMILIES, ...database.columnFamilies()])) {
    for (const [key, value] of database.columnFamily(name).entries(options)) {
      lines.push(stateLine(name, key, value));
    }
  }
  return lines.sort();
}

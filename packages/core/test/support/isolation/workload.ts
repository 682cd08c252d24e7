/**
 * Clients that read lists and append to them, side by side: transactions that wait in between,
 * writes, scans, bodies that throw, and snapshots that are held and read again. Everything that was
 * seen is recorded for `check.ts`.
 */
import type { ColumnFamily, Database, Snapshot, TransactionOperations } from '@manifold-db/core';
import { isolationProblems } from './check.js';
import type { ListAppend, ListRead, TransactionRecord } from './history.js';

const CLIENTS = 12;
/** Keys that are in use at a time; few, so that transactions meet. */
const KEYS = 10;
/** A longer list makes room for a new key, which nobody has written to. */
const LIST_MAX = 24;
const STEPS_MAX = 5;
const TURNS_MAX = 3;
/** Readings of a snapshot while the others go on. */
const LOOKS_MAX = 4;
const ROLLED_BACK = new Error('rolled back on purpose');

/** A list of numbers as it is stored; padded, so that generations of the buffer fill up. */
interface Stored {
  readonly list: readonly number[];
  readonly padding: string;
}

export type Lists = ColumnFamily<string, Stored>;

/** What a snapshot showed at one sequence. */
interface Look {
  readonly sequence: number;
  readonly lists: ReadonlyMap<string, readonly number[]>;
}

/** One attempt of one transaction. */
class Attempt {
  readonly reads: ListRead[] = [];
  readonly appends: ListAppend[] = [];
  readonly #own = new Map<string, readonly number[]>();
  readonly #tx: TransactionOperations;
  readonly #lists: Lists;

  constructor(tx: TransactionOperations, lists: Lists) {
    this.#tx = tx;
    this.#lists = lists;
  }

  /** `problem` when the transaction does not see its own writes. */
  read(key: string): string | undefined {
    const list = this.#tx.get(this.#lists, key)?.list ?? [];
    return this.#saw(key, list);
  }

  append(key: string, element: number): string | undefined {
    const list = this.#tx.get(this.#lists, key)?.list ?? [];
    const problem = this.#saw(key, list);
    const longer = [...list, element];
    this.#tx.put(this.#lists, key, { list: longer, padding: '.'.repeat(40) });
    this.#own.set(key, longer);
    this.appends.push({ key, element });
    return problem;
  }

  /** Reads a whole range: what is not there is read, too. */
  scan(keys: readonly string[]): string | undefined {
    const found = new Map(this.#tx.entries(this.#lists));
    for (const key of keys) {
      const problem = this.#saw(key, found.get(key)?.list ?? []);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #saw(key: string, list: readonly number[]): string | undefined {
    const own = this.#own.get(key);
    if (own === undefined) this.reads.push({ key, list });
    else if (own.join() !== list.join()) return `${key}: ${list.join()} instead of ${own.join()}`;
    return undefined;
  }
}

export class IsolationWorkload {
  readonly #db: Database;
  readonly #lists: Lists;
  readonly #random: () => number;
  readonly #keys: string[] = [];
  #records: TransactionRecord[] = [];
  #looks: Look[] = [];
  /** Elements that `write` appended, with their sequence. */
  #written = new Map<number, { key: string; sequence: number }>();
  #elements = 0;
  #names = 0;
  readonly problems: string[] = [];
  operations = 0;
  transactions = 0;
  conflicts = 0;
  snapshots = 0;

  constructor(db: Database, lists: Lists, random: () => number) {
    this.#db = db;
    this.#lists = lists;
    this.#random = random;
    for (let i = 0; i < KEYS; i++) this.#keys.push(this.#newName());
  }

  /** Runs so many transactions, then looks for anomalies among them. */
  async epoch(transactions: number): Promise<void> {
    let left = transactions;
    const client = async (): Promise<void> => {
      while (left-- > 0) await this.#one();
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await this.#end();
  }

  #pick(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #newName(): string {
    return `list-${String(this.#names++).padStart(7, '0')}`;
  }

  /** Others run meanwhile: for a few turns of promises, or of the event loop. */
  async #pause(): Promise<void> {
    for (let turns = this.#pick(TURNS_MAX + 1); turns > 0; turns--) {
      if (this.#random() < 0.9) await Promise.resolve();
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #one(): Promise<void> {
    const roll = this.#random();
    this.transactions++;
    if (roll < 0.62) await this.#transaction();
    else if (roll < 0.9) await this.#write();
    else await this.#snapshot();
    if (this.transactions % 1500 === 0) await this.#db.checkpoint();
  }

  #durability() {
    return this.#random() < 0.05 ? ('immediate' as const) : ('none' as const);
  }

  #step(attempt: Attempt): void {
    this.operations++;
    const key = this.#keys[this.#pick(KEYS)]!;
    const roll = this.#random();
    let problem: string | undefined;
    if (roll < 0.5) problem = attempt.append(key, ++this.#elements);
    else if (roll < 0.96) problem = attempt.read(key);
    else problem = attempt.scan(this.#keys);
    if (problem !== undefined) this.problems.push(`own writes: ${problem}`);
  }

  #record({ reads, appends }: Attempt, isCommitted: boolean, kind: string): void {
    this.#records.push({ reads, appends, isCommitted, kind });
    if (!isCommitted) return;
    // A key whose list is long is left to the final reading.
    for (const { key, list } of reads) {
      const at = this.#keys.indexOf(key);
      if (at >= 0 && list.length >= LIST_MAX) this.#keys[at] = this.#newName();
    }
  }

  async #transaction(): Promise<void> {
    const throws = this.#random() < 0.06;
    let attempt: Attempt | undefined;
    const body = async (tx: TransactionOperations): Promise<void> => {
      // What an earlier attempt appended must never be seen.
      if (attempt !== undefined) this.#record(attempt, false, 'attempt');
      attempt = new Attempt(tx, this.#lists);
      for (let steps = 1 + this.#pick(STEPS_MAX); steps > 0; steps--) {
        this.#step(attempt);
        await this.#pause();
      }
      if (throws) throw ROLLED_BACK;
    };
    let isCommitted = true;
    try {
      await this.#db.transaction(body, { retries: 5, durability: this.#durability() });
    } catch (error) {
      isCommitted = false;
      if ((error as { code?: string }).code === 'ERR_MANIFOLD_CONFLICT') this.conflicts++;
      else if (error !== ROLLED_BACK) throw error;
    }
    this.#record(attempt!, isCommitted, 'transaction');
  }

  async #write(): Promise<void> {
    const { sequence, value } = await this.#db.write(
      (tx) => {
        const attempt = new Attempt(tx, this.#lists);
        for (let steps = 1 + this.#pick(STEPS_MAX); steps > 0; steps--) this.#step(attempt);
        return attempt;
      },
      { durability: this.#durability() },
    );
    this.#record(value, true, 'write');
    for (const { key, element } of value.appends) this.#written.set(element, { key, sequence });
  }

  async #snapshot(): Promise<void> {
    this.snapshots++;
    const snapshot = this.#db.snapshot();
    try {
      const first = this.#look(snapshot);
      const absent = this.#keys.filter((key) => !first.lists.has(key));
      for (let looks = this.#pick(LOOKS_MAX); looks > 0; looks--) {
        await new Promise((resolve) => setImmediate(resolve));
        const again = this.#look(snapshot);
        if (JSON.stringify([...again.lists]) !== JSON.stringify([...first.lists])) {
          this.problems.push(`the snapshot at ${first.sequence} has changed`);
        }
      }
      this.#looks.push(first);
      const reads = [...first.lists].map(([key, list]) => ({ key, list }));
      // That nothing is there was read as well.
      for (const key of absent) reads.push({ key, list: [] });
      this.#records.push({ reads, appends: [], isCommitted: true, kind: 'snapshot' });
    } finally {
      snapshot.close();
    }
  }

  #look(snapshot: Snapshot): Look {
    this.operations++;
    const stored = [...this.#lists.entries({ snapshot })];
    const lists = new Map(stored.map(([key, { list }]) => [key, list]));
    return { sequence: snapshot.sequence, lists };
  }

  // --- the end of an epoch ----------------------------------------------------------------------

  async #end(): Promise<void> {
    const whole = [...this.#lists.entries()];
    const reads = whole.map(([key, { list }]) => ({ key, list }));
    this.#records.push({ reads, appends: [], isCommitted: true, kind: 'the last reading' });
    this.problems.push(...isolationProblems(this.#records));
    for (const look of this.#looks) this.#checkPrefix(look);
    this.#records = [];
    this.#looks = [];
    this.#written = new Map();
    // The next epoch begins with lists that nobody has written to.
    await this.#db.write((tx) => tx.clear(this.#lists));
    for (let i = 0; i < KEYS; i++) this.#keys[i] = this.#newName();
  }

  /** Everything written up to the snapshot's sequence is there, and nothing behind it. */
  #checkPrefix({ sequence, lists }: Look): void {
    const seen = new Set<number>();
    for (const list of lists.values()) for (const element of list) seen.add(element);
    for (const [element, { key, sequence: at }] of this.#written) {
      if (seen.has(element) === at <= sequence) continue;
      const what = at <= sequence ? 'does not show' : 'shows';
      this.problems.push(
        `the snapshot at ${sequence} ${what} ${element} in ${key}, written at ${at}`,
      );
    }
  }
}

/**
 * One database under test: its handle, mode, open snapshots and walks, and the commits that nobody
 * has waited for yet. Every complaint names the mode and the command.
 */
import { join } from 'node:path';
import {
  open,
  type ColumnFamily,
  type CommitMode,
  type Database,
  type Entries,
  type OpenOptions,
  type Snapshot,
} from '@manifold-db/core';
import type { Command } from './commands.js';
import type { Entry } from './content-oracle.js';
import type { ModelState } from './model.js';
import type { ModelWalk } from './model-walk.js';
import { disappointment, type Expected, type Outcome } from './outcome.js';

/** So long may one call take before it counts as lost; a bound against hanging, not a measure. */
const PATIENCE_MS = 30_000;

/** The command being run, for complaints. */
export interface Place {
  readonly index: number;
  readonly command: Command | undefined;
}

export class HistoryFailure extends Error {
  override readonly name = 'HistoryFailure';
  readonly index: number;

  constructor(mode: string, { index, command }: Place, what: string) {
    const text = command === undefined ? 'at the end' : JSON.stringify(command);
    super(`mode ${mode}, command ${index} ${text}:\n  ${what}`);
    this.index = index;
  }
}

export interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly state: ModelState;
  /** Entries of every family that existed, out of the content oracle. */
  readonly copies: ReadonlyMap<string, Entry[]>;
}

export interface HeldWalk {
  readonly walk: Entries<unknown, string>;
  readonly model: ModelWalk;
}

export class HistoryEngine {
  mode: CommitMode;
  db!: Database;
  readonly snapshots = new Map<number, HeldSnapshot>();
  readonly walks = new Map<number, HeldWalk>();
  readonly #path: string;
  readonly #options: OpenOptions;
  #families = new Map<string, ColumnFamily>();
  #pending: Promise<void>[] = [];
  /** Of all openings together. */
  checkpoints = 0;
  segmentsRecycled = 0;
  merges = 0;

  constructor(directory: string, index: number, mode: CommitMode, options: OpenOptions) {
    this.#path = join(directory, `database-${index}`);
    this.mode = mode;
    this.#options = options;
  }

  async open(mode: CommitMode, place: Place): Promise<void> {
    this.mode = mode;
    this.#families = new Map();
    this.db = await this.patiently(open(this.#path, { ...this.#options, mode }), 'open', place);
  }

  async close(place: Place): Promise<void> {
    const { checkpoints, log, writeBuffer } = this.db.stats();
    this.checkpoints += checkpoints.count;
    this.segmentsRecycled += log.segmentsRecycled;
    this.merges += writeBuffer?.merged ?? 0;
    await this.patiently(this.db.close(), 'close', place);
  }

  /** The handle of a family, the same one from opening to closing. */
  family(name: string): ColumnFamily {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, (family = this.db.columnFamily(name)));
    return family;
  }

  complain(place: Place, what: string): never {
    throw new HistoryFailure(this.mode, place, what);
  }

  /** Complains unless the outcome is one of those expected. */
  mustBe(actual: Outcome, expected: Expected | readonly Expected[], place: Place, what = ''): void {
    const candidates = Array.isArray(expected) ? (expected as Expected[]) : [expected as Expected];
    let difference: string | undefined;
    for (const candidate of candidates) {
      difference = disappointment(actual, candidate);
      if (difference === undefined) return;
    }
    this.complain(place, `${what}${what === '' ? '' : ': '}${difference}`);
  }

  /** The promise's value; complains when it is never settled. */
  async patiently<T>(promise: Promise<T>, what: string, place: Place): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const facts = this.#facts();
        const text = `${what} was not settled after ${PATIENCE_MS} ms; ${facts}`;
        reject(new HistoryFailure(this.mode, place, text));
      }, PATIENCE_MS);
    });
    try {
      return await Promise.race([promise, limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  #facts(): string {
    try {
      const { sequences, pendingCommits, stalls, failure } = this.db.stats();
      return JSON.stringify({ sequences, pendingCommits, brake: stalls.brake, failure });
    } catch (error) {
      return `stats() failed: ${String(error)}`;
    }
  }

  // --- what nobody has waited for yet -----------------------------------------------------------

  get pendingCount(): number {
    return this.#pending.length;
  }

  addPending(check: Promise<void>): void {
    // Looked at when it is waited for.
    check.catch(() => {});
    this.#pending.push(check);
  }

  async settle(place: Place): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await this.patiently(Promise.all(pending), `one of ${pending.length} calls`, place);
  }

  /** Gives the files free, whatever state the database is in. */
  async abandon(): Promise<void> {
    this.#pending = [];
    if (this.db === undefined) return;
    const place = { index: -1, command: undefined };
    await this.patiently(this.db.close(), 'close', place).catch(() => {});
  }
}

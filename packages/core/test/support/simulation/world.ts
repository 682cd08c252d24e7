/**
 * One life of a simulated database as its program sees it: the handle, the model, what was called
 * and is not settled yet, and what was acknowledged. Everything that the database says is compared
 * with the model; what does not fit is a problem.
 *
 * Invariant: answers are looked at after all promises of a turn have run. Only then it is known
 * which commits were refused, and so which commit has which sequence.
 */
import type { ColumnFamily, Durability } from '@manifold-db/core';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import { FAILURE_NONE, ManifoldError, PROGRESS_FAILURE, type Shared } from '@manifold-db/storage';
import type { Ledger, Submission } from './ledger.js';
import { FAMILIES, KEYS, type Family, type Model, type ModelOperation } from './model.js';
import { whole, type LifePlan, type Random } from './plan.js';
import type { OperationHash } from './operation-hash.js';
import type { Reader } from './readers.js';

/** Enough to see a pattern. */
const PROBLEMS_MAX = 5;

/** The disk is gone: the run ends here, whatever the engine makes of it. */
export class CrashError extends Error {}

/** What an error is called in the hash and in messages. */
export function codeOf(error: unknown): string {
  if (error instanceof ManifoldError) return error.code;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

interface Settled {
  readonly submission: Submission;
  readonly durability: Durability;
  readonly sequence?: number;
  readonly code?: string;
}

/** What goes on from one life to the next. */
export interface Course {
  readonly model: Model;
  readonly random: Random;
  readonly hash: OperationHash;
  readonly problems: string[];
  /** Makes every value different. */
  valueCount: number;
  /** Figures of the whole run, by name. */
  readonly figures: Map<string, number>;
}

export function count(course: Course, figure: string, by = 1): void {
  course.figures.set(figure, (course.figures.get(figure) ?? 0) + by);
}

export class World {
  readonly database: ManifoldDatabase;
  readonly course: Course;
  readonly plan: LifePlan;
  readonly ledger: Ledger;
  readonly families: ReadonlyMap<Family, ColumnFamily>;
  /** Calls whose promise is not settled, by what they are. */
  readonly pending = new Map<number, string>();
  readonly readers: Reader[] = [];
  /** Bodies of transactions that wait to go on. */
  readonly gates: (() => void)[] = [];
  /** Survives a loss of power, and the death of the process. */
  acknowledged = 0;
  written = 0;
  hasFault = false;
  isClosing = false;
  hasCrashed = false;
  #settled: Settled[] = [];
  #checks: (() => string | undefined)[] = [];
  #calls = 0;
  readonly #progress: Int32Array;

  constructor(
    database: ManifoldDatabase,
    shared: Shared,
    course: Course,
    plan: LifePlan,
    ledger: Ledger,
  ) {
    this.database = database;
    this.#progress = shared.progress;
    this.course = course;
    this.plan = plan;
    this.ledger = ledger;
    this.families = new Map(FAMILIES.map((name) => [name, database.columnFamily(name)]));
  }

  get model(): Model {
    return this.course.model;
  }

  get hasFailed(): boolean {
    return Atomics.load(this.#progress, PROGRESS_FAILURE) !== FAILURE_NONE;
  }

  problem(text: string | undefined): void {
    const { problems } = this.course;
    if (text !== undefined && problems.length < PROBLEMS_MAX) problems.push(text);
  }

  // --- what is drawn ----------------------------------------------------------------------------

  chance(share: number): boolean {
    return this.course.random() < share;
  }

  whole(from: number, to: number): number {
    return whole(this.course.random, from, to);
  }

  family(): Family {
    return FAMILIES[this.whole(0, FAMILIES.length - 1)]!;
  }

  key(): number {
    return this.whole(0, KEYS.length - 1);
  }

  value(): string {
    const { largeShare, largeBytes } = this.plan;
    const text = `value-${this.course.valueCount++}-`;
    if (this.chance(largeShare)) return text.padEnd(this.whole(800, largeBytes), '+');
    return text.padEnd(this.whole(10, 120), '.');
  }

  durability(): Durability {
    return this.plan.durability ?? (['immediate', 'async', 'none'] as const)[this.whole(0, 2)]!;
  }

  put(): ModelOperation {
    return { do: 'put', family: this.family(), key: this.key(), value: this.value() };
  }

  delete(): ModelOperation {
    return { do: 'delete', family: this.family(), key: this.key() };
  }

  clear(): ModelOperation {
    const from = this.key();
    return { do: 'clear', family: this.family(), from, end: this.whole(from, KEYS.length) };
  }

  /** At least one put: such a commit is never empty. */
  operations(max: number): ModelOperation[] {
    const operations = [this.put()];
    while (operations.length < max && this.chance(0.7)) {
      const roll = this.course.random();
      if (roll < 0.65) operations.push(this.put());
      else if (roll < 0.95) operations.push(this.delete());
      else operations.push(this.clear());
    }
    return operations;
  }

  // --- what is called ---------------------------------------------------------------------------

  /** A commit; `call` is made now. */
  commit(
    submission: Submission,
    durability: Durability,
    call: () => Promise<{ sequence: number }>,
  ): void {
    this.ledger.submit(submission);
    this.follow(
      submission.name,
      call,
      ({ sequence }) => this.#settled.push({ submission, durability, sequence }),
      (code) => this.#settled.push({ submission, durability, code }),
    );
  }

  settled(settled: Settled): void {
    this.#settled.push(settled);
  }

  /** Any call that gives a promise. */
  follow<T>(
    name: string,
    call: () => Promise<T>,
    resolved: (value: T) => void,
    rejected: (code: string) => void = () => {},
  ): void {
    const number = this.#calls++;
    const { hash } = this.course;
    hash.text(name);
    this.pending.set(number, name);
    const done = (code: string): void => {
      this.pending.delete(number);
      hash.number(number);
      hash.text(code);
    };
    const refused = (error: unknown): void => {
      const code = codeOf(error);
      done(code);
      this.#judge(name, code);
      // A call in which the crash strikes never comes back: that is no answer.
      if (!(error instanceof CrashError)) rejected(code);
    };
    let promise: Promise<T>;
    try {
      promise = call();
    } catch (error) {
      refused(error);
      return;
    }
    promise.then((value) => {
      done(''); // oxlint-disable-line no-callback-in-promise -- what it throws ends the run
      resolved(value);
    }, refused);
  }

  /** A read, or another call that answers at once; `undefined` after a failure that may be. */
  answer<T>(name: string, call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      const code = codeOf(error);
      this.course.hash.text(code);
      this.#judge(name, code);
      return undefined;
    }
  }

  /** Compared once it is known which commit has which sequence. */
  later(check: () => string | undefined): void {
    if (!this.hasCrashed) this.#checks.push(check);
  }

  #judge(name: string, code: string): void {
    if (this.hasCrashed) return;
    if (code === GIVEN_UP || code === 'ERR_MANIFOLD_CONFLICT') return;
    if (this.isClosing && code === 'ERR_MANIFOLD_CLOSED') return;
    if (this.hasFault && TROUBLE.has(code)) return;
    this.problem(`${name} failed: ${code}`);
  }

  // --- what has become of it --------------------------------------------------------------------

  /**
   * After all promises of the turn have run. After a crash the last commit is that of its moment:
   * what the engine makes of later ones is nobody's business.
   */
  review(lastCommitted = this.database.lastCommitted): void {
    const { ledger } = this;
    const settled = this.#settled;
    this.#settled = [];
    for (const { submission, code } of settled) {
      if (code !== undefined && code !== INDETERMINATE) submission.isRefused = true;
    }
    this.problem(ledger.bind(lastCommitted));
    for (const { submission, durability, sequence, code } of settled) {
      if (sequence === undefined) {
        this.problem(ledger.rejected(submission, code!));
      } else if (sequence <= lastCommitted) {
        this.problem(ledger.resolved(submission, sequence));
        this.#acknowledge(durability, sequence);
      }
    }
    const checks = this.#checks;
    this.#checks = [];
    for (const check of checks) this.problem(check());
  }

  #acknowledge(durability: Durability, sequence: number): void {
    const { database } = this;
    if (durability === 'none') return;
    this.written = Math.max(this.written, sequence);
    if (durability === 'async') return;
    this.acknowledged = Math.max(this.acknowledged, sequence);
    if (sequence > database.lastSynced) {
      this.problem(`commit ${sequence} is acknowledged, ${database.lastSynced} is synced`);
    }
  }
}

export const GIVEN_UP = 'Error: given up';
const INDETERMINATE = 'ERR_MANIFOLD_INDETERMINATE';
/** What may happen to a call while the disk fails, and after that. */
const TROUBLE = new Set([
  INDETERMINATE,
  'ERR_MANIFOLD_POISONED',
  'ERR_MANIFOLD_FULL',
  'ERR_MANIFOLD_IO',
]);

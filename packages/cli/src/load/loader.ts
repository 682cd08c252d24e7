/**
 * Puts rows into a database, many per commit and several commits in flight.
 *
 * 1. Commits are admitted in the order of the input, and acknowledged in that order.
 * 2. No more than `inFlight` commits wait for their acknowledgement, so memory is bounded by that
 *    many batches.
 * 3. The first commit that fails ends the load; later ones in flight are waited for.
 */
import type { ColumnFamily, Database, WriteTransaction } from '@manifold-db/core';
import { CommandFailure } from '../failure.js';
import { byteFamily, type ByteFamily } from '../database.js';
import type { Row } from '../input/rows.js';
import { LatencyHistogram } from './latency.js';

export interface LoaderOptions {
  readonly family: string;
  readonly batchRows: number;
  readonly inFlight: number;
}

export class Loader {
  readonly #db: Database;
  readonly #options: LoaderOptions;
  readonly #family: ColumnFamily<string, string>;
  /** Families that rows of a dump name. */
  readonly #byteFamilies = new Map<string, ByteFamily>();
  readonly #waiting: Promise<void>[] = [];
  #batch: Row[] = [];
  #failure: { readonly error: unknown } | undefined;
  /** Rows handed to commits, acknowledged or not. */
  #submitted = 0;

  readonly latencies = new LatencyHistogram();
  /** Rows of acknowledged commits. */
  records = 0;
  commits = 0;

  constructor(db: Database, options: LoaderOptions) {
    this.#db = db;
    this.#options = options;
    this.#family = db.columnFamily(options.family);
  }

  /** Takes rows; returns when they may be followed by more. */
  async add(rows: readonly Row[]): Promise<void> {
    let taken = 0;
    while (taken < rows.length) {
      const room = this.#options.batchRows - this.#batch.length;
      const part = rows.slice(taken, taken + room);
      for (const row of part) this.#batch.push(row);
      taken += part.length;
      if (this.#batch.length === this.#options.batchRows) await this.#submit();
    }
  }

  /** Commits what is left and waits until everything is synced. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#submit();
    await this.settle();
    this.#throwFailure();
    await this.#db.waitForSync();
  }

  /** Waits for all commits in flight, whether they succeed or not; never rejects. */
  async settle(): Promise<void> {
    while (this.#waiting.length > 0) await this.#waiting.shift();
  }

  async #submit(): Promise<void> {
    while (this.#waiting.length >= this.#options.inFlight) await this.#waiting.shift();
    this.#throwFailure();
    const rows = this.#batch;
    this.#batch = [];
    this.#waiting.push(this.#commit(rows));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Never rejects: a failure is kept for the next `add` or `finish`. */
  async #commit(rows: readonly Row[]): Promise<void> {
    const first = this.#submitted;
    this.#submitted += rows.length;
    const startMs = performance.now();
    try {
      await this.#db.write((tx) => this.#putAll(tx, rows, first));
      this.latencies.add((performance.now() - startMs) * 1000);
      this.records += rows.length;
      this.commits += 1;
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #putAll(tx: WriteTransaction, rows: readonly Row[], first: number): void {
    for (const [index, row] of rows.entries()) {
      try {
        this.#put(tx, row);
      } catch (error) {
        if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
        throw new CommandFailure(`record ${first + index + 1}: ${error.message}`, undefined, error);
      }
    }
  }

  #put(tx: WriteTransaction, row: Row): void {
    if (!('family' in row)) {
      tx.put(this.#family, row.key, row.value);
      return;
    }
    let family = this.#byteFamilies.get(row.family);
    if (family === undefined) {
      family = byteFamily(this.#db, row.family);
      this.#byteFamilies.set(row.family, family);
    }
    tx.put(family, row.key, row.value);
  }
}

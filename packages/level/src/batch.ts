/**
 * `db.batch()` without arguments: writes are encoded and copied when they are added, and committed
 * together. Main thread.
 */
import type { Batch } from '@manifold-db/core';
import { AbstractChainedBatch } from 'abstract-level';
import { translated } from './errors.js';
import type { Families } from './families.js';
import { storableKey, storedKey, type Format } from './keys.js';
import { commitOptions, type WriteOptions } from './options.js';

/** Adds a put to a batch of the engine. */
export function addPut(batch: Batch, families: Families, key: Format, value: Format): void {
  const stored = storableKey(key);
  const storedValue = typeof value === 'string' ? value.toWellFormed() : value;
  batch.put(families.of(stored, storedValue), stored, storedValue);
}

/** Adds the removal of a key, unless no entry can have it. */
export function addDel(batch: Batch, families: Families, key: Format): void {
  const stored = storedKey(key);
  if (stored !== undefined) batch.delete(families.ofKey(stored), stored);
}

export class ChainedBatch<TDatabase, KDefault, VDefault> extends AbstractChainedBatch<
  TDatabase,
  KDefault,
  VDefault
> {
  readonly #batch: Batch;
  readonly #families: Families;

  constructor(db: TDatabase, batch: Batch, families: Families) {
    super(db);
    this.#batch = batch;
    this.#families = families;
  }

  _put(key: Format, value: Format): void {
    addPut(this.#batch, this.#families, key, value);
  }

  _del(key: Format): void {
    addDel(this.#batch, this.#families, key);
  }

  _clear(): void {
    this.#batch.reset();
  }

  override write(options: WriteOptions = {}): Promise<void> {
    return super.write(options);
  }

  async _write(options: object): Promise<void> {
    await translated(() => this.#batch.write(commitOptions(options)));
  }

  async _close(): Promise<void> {
    this.#batch.reset();
  }
}

/**
 * `db.batch()`: writes collected as bytes for one commit. Main thread.
 */
import type { TransactionBuilder } from './build/builder.js';
import { encodeBounds, encodeKey, encodeValue } from './encoding/index.js';
import { FamilyHandle } from './family.js';
import type { Batch, ColumnFamily, Commit, CommitOptions, KeyBounds } from './types.js';

interface Step {
  readonly bytes: number;
  readonly run: (builder: TransactionBuilder) => void;
}

/** Commits the steps of a batch. */
export type BatchCommit = (
  build: (builder: TransactionBuilder) => void,
  bytes: number,
  options: CommitOptions | undefined,
) => Promise<Commit>;

const STEP_OVERHEAD_BYTES = 128;

export class WriteBatch implements Batch {
  readonly #owner: object;
  readonly #commit: BatchCommit;
  #steps: Step[] = [];
  #bytes = 0;

  constructor(owner: object, commit: BatchCommit) {
    this.#owner = owner;
    this.#commit = commit;
  }

  get length(): number {
    return this.#steps.length;
  }

  put<K, V>(family: ColumnFamily<K, V>, key: K, value: V): this {
    const { entry, key: keys, value: values } = this.#handle(family);
    const keyBytes = encodeKey(keys, key);
    const valueBytes = encodeValue(values, value);
    return this.#add(keyBytes.length + valueBytes.length, (builder) =>
      builder.putRaw(entry, keyBytes, valueBytes),
    );
  }

  delete<K, V>(family: ColumnFamily<K, V>, key: K): this {
    const { entry, key: keys } = this.#handle(family);
    const keyBytes = encodeKey(keys, key);
    return this.#add(keyBytes.length, (builder) => builder.deleteRaw(entry, keyBytes));
  }

  clear<K, V>(family: ColumnFamily<K, V>, range?: KeyBounds<K>): this {
    const { entry, key: keys } = this.#handle(family);
    const { low, high } = encodeBounds(range, keys);
    return this.#add(0, (builder) => builder.clear(entry, low, high));
  }

  reset(): this {
    this.#steps = [];
    this.#bytes = 0;
    return this;
  }

  write(options?: CommitOptions): Promise<Commit> {
    const steps = this.#steps;
    const bytes = this.#bytes;
    const promise = this.#commit(
      (builder) => {
        for (const step of steps) step.run(builder);
      },
      bytes,
      options,
    );
    this.reset();
    return promise;
  }

  #add(bytes: number, run: Step['run']): this {
    this.#steps.push({ bytes: bytes + STEP_OVERHEAD_BYTES, run });
    this.#bytes += bytes + STEP_OVERHEAD_BYTES;
    return this;
  }

  #handle<K, V>(family: ColumnFamily<K, V>): FamilyHandle<K, V> {
    if (family instanceof FamilyHandle && family.home === this.#owner) {
      return family as FamilyHandle<K, V>;
    }
    throw new TypeError('family: a column family of this database is expected');
  }
}

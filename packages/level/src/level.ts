/**
 * The database of abstract-level on the engine: all entries stand in the column family `default`.
 * Main thread.
 *
 * abstract-level does what is common to all its databases: status, deferred calls, encodings,
 * sublevels, hooks, events. It calls the methods that begin with an underscore, with keys, values
 * and bounds encoded to the formats of `ENCODINGS`.
 */
import type { Database, Snapshot } from '@manifold-db/core';
import {
  AbstractLevel,
  type AbstractBatchOperation,
  type AbstractBatchOptions,
  type AbstractClearOptions,
  type AbstractDelOptions,
  type AbstractPutOptions,
} from 'abstract-level';
import { ChainedBatch, addDel, addPut } from './batch.js';
import { clearRange, type ClearOptions } from './clear.js';
import { LevelError, translated, translatedSync } from './errors.js';
import { Families } from './families.js';
import { destroyDatabase, openDatabase, repairDatabase, requireLocation } from './files.js';
import {
  ManifoldIterator,
  ManifoldKeyIterator,
  ManifoldValueIterator,
  selectOf,
  type EntryOptions,
} from './iterators.js';
import { engineEncoding, storableKey, storedKey, type Format } from './keys.js';
import {
  commitOptions,
  type DatabaseOptions,
  type OpenDatabaseOptions,
  type WriteOptions,
} from './options.js';
import { Scan, type ScanHome, type ScanOptions } from './scan.js';
import { ManifoldSnapshot, engineSnapshot } from './snapshot.js';
import { approximateSize } from './size.js';

const ENCODINGS = { utf8: true, buffer: true, view: true };

const MANIFEST = {
  encodings: ENCODINGS,
  implicitSnapshots: true,
  explicitSnapshots: true,
  seek: true,
  has: true,
  getSync: true,
  permanence: true,
  createIfMissing: true,
  errorIfExists: true,
  signals: { iterators: true },
  additionalMethods: { approximateSize: true, compactRange: true },
};

/** What abstract-level passes to the private methods, as far as it is read here. */
interface PrivateOptions {
  readonly keyEncoding?: string;
  readonly valueEncoding?: string;
  readonly snapshot?: unknown;
}

interface PrivateOperation {
  readonly type: 'put' | 'del';
  readonly key: Format;
  readonly value: Format;
}

/** Options of `approximateSize` and `compactRange`. */
export interface StartEndOptions {
  /** Encoding of both keys. Default: the key encoding of the database. */
  keyEncoding?: string | undefined;
}

/** An open database of the engine, and what is made once for it. */
interface Opened extends ScanHome {
  readonly database: Database;
  readonly families: Families;
}

/**
 * A database with the interface of `level`.
 *
 * @typeParam KDefault type of the keys where a call names no encoding
 * @typeParam VDefault type of the values
 * @example
 * const db = new ManifoldLevel('./data', { valueEncoding: 'json' });
 * await db.put('ada', { born: 1815 });
 * await db.get('ada'); // { born: 1815 }
 */
export class ManifoldLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  readonly #location: string;
  #opened: Opened | undefined;

  /**
   * @param location directory, as a path; it is made when the database is created
   * @param options of abstract-level and of the engine; they are used by `open`
   */
  constructor(location: string, options?: DatabaseOptions<KDefault, VDefault>) {
    requireLocation(location);
    super(MANIFEST, options);
    this.#location = location;
  }

  /** The directory, as it was given. */
  get location(): string {
    return this.#location;
  }

  // --- status -----------------------------------------------------------------------------------

  override open(options?: OpenDatabaseOptions): Promise<void> {
    return super.open(options as object);
  }

  async _open(options: Readonly<Record<string, unknown>>): Promise<void> {
    const database = await translated(() => openDatabase(this.#location, options));
    this.#opened = { database, families: new Families(database) };
  }

  /**
   * Rejects once when the engine had failed while it was open, although its files are released by
   * then: a second `close` succeeds, and the database can be opened again.
   */
  async _close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) await translated(() => opened.database.close());
  }

  get #home(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
  }

  // --- reads ------------------------------------------------------------------------------------

  async _get(key: Format, options: PrivateOptions): Promise<Format | undefined> {
    const stored = storedKey(key);
    if (stored === undefined) return undefined;
    return translated(() => this.#family(options).getAsync(stored, readOptions(options)));
  }

  _getSync(key: Format, options: PrivateOptions): Format | undefined {
    const stored = storedKey(key);
    if (stored === undefined) return undefined;
    return translatedSync(() => this.#family(options).get(stored, readOptions(options)));
  }

  /** All calls are made before anything else runs, so they read one state. */
  async _getMany(keys: Format[], options: PrivateOptions): Promise<(Format | undefined)[]> {
    return translated(() => {
      const family = this.#family(options);
      const read = readOptions(options);
      return Promise.all(
        keys.map((key) => {
          const stored = storedKey(key);
          return stored === undefined ? undefined : family.getAsync(stored, read);
        }),
      );
    });
  }

  async _has(key: Format, options: PrivateOptions): Promise<boolean> {
    return translatedSync(() => this.#has(key, options));
  }

  async _hasMany(keys: Format[], options: PrivateOptions): Promise<boolean[]> {
    return translatedSync(() => keys.map((key) => this.#has(key, options)));
  }

  #has(key: Format, options: PrivateOptions): boolean {
    const stored = storedKey(key);
    if (stored === undefined) return false;
    return this.#home.families.ofKey(stored).has(stored, readOptions(options));
  }

  #family(options: PrivateOptions) {
    const { keyEncoding, valueEncoding } = options;
    return this.#home.families.get(engineEncoding(keyEncoding), engineEncoding(valueEncoding));
  }

  // --- writes -----------------------------------------------------------------------------------

  async _put(key: Format, value: Format, options: object): Promise<void> {
    await translated(() => {
      const stored = storableKey(key);
      const storedValue = typeof value === 'string' ? value.toWellFormed() : value;
      const family = this.#home.families.of(stored, storedValue);
      return family.put(stored, storedValue, commitOptions(options));
    });
  }

  async _del(key: Format, options: object): Promise<void> {
    const stored = storedKey(key);
    if (stored === undefined) return;
    await translated(() => {
      return this.#home.families.ofKey(stored).delete(stored, commitOptions(options));
    });
  }

  async _batch(operations: readonly PrivateOperation[], options: object): Promise<void> {
    await translated(() => {
      const { database, families } = this.#home;
      const batch = database.batch();
      for (const { type, key, value } of operations) {
        if (type === 'put') addPut(batch, families, key, value);
        else addDel(batch, families, key);
      }
      return batch.write(commitOptions(options));
    });
  }

  async _clear(options: ClearOptions): Promise<void> {
    await translated(() => clearRange(this.#home, options, commitOptions(options)));
  }

  _chainedBatch(): ChainedBatch<this, KDefault, VDefault> {
    const { database, families } = this.#home;
    return new ChainedBatch(this, database.batch(), families);
  }

  // --- the calls that take `sync`, which abstract-level does not declare -------------------------

  override put(key: KDefault, value: VDefault): Promise<void>;
  override put<K = KDefault, V = VDefault>(
    key: K,
    value: V,
    options: AbstractPutOptions<K, V> & WriteOptions,
  ): Promise<void>;
  override put(key: KDefault, value: VDefault, options?: object): Promise<void> {
    return super.put(key, value, options as object);
  }

  override del(key: KDefault): Promise<void>;
  override del<K = KDefault>(key: K, options: AbstractDelOptions<K> & WriteOptions): Promise<void>;
  override del(key: KDefault, options?: object): Promise<void> {
    return super.del(key, options as object);
  }

  override clear(): Promise<void>;
  override clear<K = KDefault>(options: AbstractClearOptions<K> & WriteOptions): Promise<void>;
  override clear(options?: object): Promise<void> {
    return super.clear(options as object);
  }

  override batch(operations: AbstractBatchOperation<this, KDefault, VDefault>[]): Promise<void>;
  override batch<K = KDefault, V = VDefault>(
    operations: AbstractBatchOperation<this, K, V>[],
    options: AbstractBatchOptions<K, V> & WriteOptions,
  ): Promise<void>;
  override batch(): ChainedBatch<this, KDefault, VDefault>;
  /** abstract-level tells the two kinds of batches apart by the number of arguments. */
  override batch(...given: unknown[]): never {
    return super.batch.apply(this, given as never) as never;
  }

  // --- iterators and snapshots ------------------------------------------------------------------

  _iterator<K, V>(options: EntryOptions): ManifoldIterator<this, K, V> {
    return new ManifoldIterator(this, this.#scan(options, selectOf(options)), options);
  }

  _keys<K>(options: ScanOptions): ManifoldKeyIterator<this, K> {
    return new ManifoldKeyIterator(this, this.#scan(options, 'keys'), options);
  }

  _values<K, V>(options: ScanOptions): ManifoldValueIterator<this, K, V> {
    return new ManifoldValueIterator(this, this.#scan(options, 'values'), options);
  }

  #scan(options: ScanOptions, select: ReturnType<typeof selectOf>): Scan {
    return translatedSync(() => new Scan(this.#home, options, select));
  }

  _snapshot(options: object): ManifoldSnapshot {
    return translatedSync(() => new ManifoldSnapshot(this.#home.database.snapshot(), options));
  }

  // --- what LevelDB has beyond abstract-level ---------------------------------------------------

  /**
   * About how many bytes of the data file the range from `start` up to, not including, `end` takes:
   * the share of the entries that lie in it, times the size of all.
   */
  approximateSize(start: KDefault, end: KDefault): Promise<number>;
  approximateSize<K>(start: K, end: K, options: StartEndOptions): Promise<number>;
  async approximateSize(start: unknown, end: unknown, options?: StartEndOptions): Promise<number> {
    if (start === undefined || end === undefined) {
      throw new TypeError("The arguments 'start' and 'end' are required");
    }
    return this.#whenOpen('approximateSize', ({ database }) => {
      const encoding = this.#encodingOf(options);
      return approximateSize(database, encoding.encode(start), encoding.encode(end));
    });
  }

  /**
   * Brings everything that was committed so far from the log into the data file, and shortens the
   * log: there is nothing to compact in a part of the keys alone, so the range is not looked at.
   */
  compactRange(start: KDefault, end: KDefault): Promise<void>;
  compactRange<K>(start: K, end: K, options: StartEndOptions): Promise<void>;
  async compactRange(start: unknown, end: unknown, options?: StartEndOptions): Promise<void> {
    if (start === undefined || end === undefined) {
      throw new TypeError("The arguments 'start' and 'end' are required");
    }
    this.#encodingOf(options);
    await this.#whenOpen('compactRange', ({ database }) => database.checkpoint());
  }

  #encodingOf(options: StartEndOptions | undefined): { encode(key: unknown): Format } {
    const name = options?.keyEncoding;
    const encoding = name === undefined ? this.keyEncoding() : this.keyEncoding(name as 'utf8');
    return encoding as { encode(key: unknown): Format };
  }

  async #whenOpen<T>(name: string, run: (opened: Opened) => T | Promise<T>): Promise<T> {
    if (this.status === 'opening') return this.deferAsync(() => this.#whenOpen(name, run));
    if (this.status !== 'open') {
      const message = `Database is not open: cannot call ${name}()`;
      throw new LevelError('LEVEL_DATABASE_NOT_OPEN', message);
    }
    return translated(() => run(this.#home));
  }

  /**
   * Removes the files of a database, and its directory if nothing else is in it. A database that is
   * open is refused with `LEVEL_LOCKED`; a directory that is not there is no error.
   */
  static async destroy(location: string): Promise<void> {
    requireLocation(location);
    await translated(() => destroyDatabase(location));
  }

  /**
   * Recovers a database, brings its log into the data file and checks every page. What recovery
   * cannot mend is never guessed: damage rejects with `LEVEL_CORRUPTION`, and the files stay as
   * they are.
   */
  static async repair(location: string): Promise<void> {
    requireLocation(location);
    await translated(() => repairDatabase(location));
  }
}

function readOptions(options: PrivateOptions): { snapshot: Snapshot } | undefined {
  const snapshot = engineSnapshot(options.snapshot);
  return snapshot === undefined ? undefined : { snapshot };
}

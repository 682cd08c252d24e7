/**
 * The arguments of every public method: right ones mixed with anything else. A call returns, or
 * throws at once what the contract says: a TypeError or RangeError written for the caller, or a
 * ManifoldError. What V8 says when code trips over a value ("Cannot read properties of …") is a
 * finding, and so is a promise that rejects with such. The database goes on working: a family that
 * no call is about is written and read in between, and is what it should be after reopening.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type Database, type Entries, type OpenOptions } from '@manifold-db/core';
import { ManifoldError } from '@manifold-db/storage';
import { CallersOwnError, anyOptions, anything, type Handles } from './arguments.js';
import { below, pick, type Area, type Fuzzer } from './fuzzer.js';

const SMALL: OpenOptions = {
  mode: 'buffered',
  durability: 'none',
  cacheBytes: 4 * 2 ** 20,
  walRingBytes: 2 ** 20,
  walSegmentBytes: 3 * 2 ** 20,
  walBytesMax: 12 * 2 ** 20,
  writeBufferBytes: 2 ** 20,
};
const CONTROL = 'control';
const CONTROL_KEYS = 50;
const CONTROL_EVERY = 64;
/** Settled before more calls are made. */
const PROMISES_MAX = 128;
const ARGUMENTS_MAX = 4;
const RIGHT_SHARE = 0.45;

/** Messages of V8 and of Node's own functions: nobody wrote them for the caller of the engine. */
const NATIVE = [
  /Cannot (read|set|destructure|convert|mix|perform|assign|access|delete|define|add)/,
  /is not (a function|iterable|a constructor|an object|defined)/,
  /(object|receiver|Receiver|this) (null|is not|must|should|should be)/i,
  /incompatible receiver/,
  /Invalid (array|typed array|string|array buffer|Array buffer) length/i,
  /(out of bounds|outside the bounds|Invalid offset)/i,
  /private (field|member|method|name)/,
  /Maximum call stack/,
  /The ".*" argument/,
  /The value of ".*" is out of range/,
];
/** The caller's own doing, in V8's words. */
const CALLERS_OWN = /a proxy that has been revoked|Converting circular structure/;

/** A codec's own errors come through; this one has its own words for what it cannot encode. */
const MESSAGE_PACK = /[/\\]node_modules[/\\]msgpackr[/\\]/;

type Call = (database: Database, args: readonly unknown[], fuzzer: ApiFuzzer) => unknown;
type Method = (...args: never[]) => unknown;

/** Methods of each object of the public API, by the interfaces in `types/`. */
const READS = ['get', 'getAsync', 'has', 'getMany', 'entries', 'keys', 'values', 'count'];
const WRITES = ['put', 'delete', 'clear'];
const METHODS = {
  database: [
    ...READS,
    ...WRITES,
    'columnFamily',
    'columnFamilies',
    'dropColumnFamily',
    'write',
    'writeSync',
    'transaction',
    'waitForSync',
    'waitForApply',
    'stats',
    'snapshot',
  ],
  family: [...READS, ...WRITES],
  batch: ['put', 'delete', 'clear', 'reset', 'write'],
  transaction: [...READS, ...WRITES, 'savepoint', 'rollbackTo'].filter(
    (name) => name !== 'getAsync',
  ),
  entries: ['next', 'return', 'seek', 'close'],
} as const;

const CALLS: readonly { readonly name: string; readonly call: Call }[] = [
  ...METHODS.database.map((name) => on(`database.${name}`, (database) => database, name)),
  ...METHODS.family.map((name) =>
    on(`family.${name}`, (_database, fuzzer) => fuzzer.family(), name),
  ),
  ...METHODS.batch.map((name) => on(`batch.${name}`, (_database, fuzzer) => fuzzer.batch, name)),
  ...METHODS.entries.map((name) =>
    on(`entries.${name}`, (_database, fuzzer) => fuzzer.entries(), name),
  ),
  ...METHODS.transaction.map((name) => ({
    name: `tx.${name}`,
    call: (database: Database, args: readonly unknown[]) =>
      database.writeSync((tx) => void invoke(tx, name, args)),
  })),
  ...METHODS.transaction.map((name) => ({
    name: `transaction.${name}`,
    call: (database: Database, args: readonly unknown[]) =>
      database.transaction(async (tx) => void invoke(tx, name, args)),
  })),
  { name: 'open', call: (_database, args, fuzzer) => fuzzer.open(args) },
  {
    name: 'backup',
    call: (database, [target, options], fuzzer) => fuzzer.backup(database, target, options),
  },
  {
    name: 'verify',
    call: (database, [options]) =>
      unlessAbsent(options, () => invoke(database, 'verify', [options])),
  },
];

function on(
  name: string,
  target: (database: Database, fuzzer: ApiFuzzer) => object,
  method: string,
) {
  const call: Call = (database, args, fuzzer) => invoke(target(database, fuzzer), method, args);
  return { name, call };
}

function invoke(target: object, name: string, args: readonly unknown[]): unknown {
  const method = Reflect.get(target, name) as Method | undefined;
  if (method === undefined) throw new Error(`the API has no method ${name}`);
  return Reflect.apply(method, target, args as never[]);
}

/** Without options, all of it is done, which takes long; wrong ones are refused before. */
function unlessAbsent(options: unknown, call: () => unknown): unknown {
  const isEmpty =
    typeof options === 'object' && options !== null && Reflect.ownKeys(options).length === 0;
  return options === undefined || isEmpty ? undefined : call();
}

/** The objects that calls are made on, and what they may have promised. */
export class ApiFuzzer implements Fuzzer {
  readonly #path: string;
  readonly #aside: string;
  #database!: Database;
  #other!: Database;
  #families: object[] = [];
  #open: Entries<unknown>[] = [];
  #handles!: Handles;
  #random: () => number = Math.random;
  batch: object = {};
  #promises: Promise<string | undefined>[] = [];
  #calls = 0;
  #controlled = new Map<string, string>();

  constructor() {
    this.#path = mkdtempSync(join(tmpdir(), 'manifold-fuzz-'));
    // A file: no database can be made below it.
    this.#aside = join(this.#path, 'file');
    writeFileSync(this.#aside, '');
  }

  async start(): Promise<this> {
    this.#database = await open(join(this.#path, 'db'), SMALL);
    this.#other = await open(join(this.#path, 'other'), SMALL);
    const database = this.#database;
    const wrongCodec = {
      encode: () => anything(this.#random, this.#handles) as Uint8Array,
      decode: () => anything(this.#random, this.#handles),
    };
    this.#families = [
      database.columnFamily('utf8'),
      database.columnFamily('bytes', { keyEncoding: 'buffer', valueEncoding: 'buffer' } as never),
      database.columnFamily('ordered', { keyEncoding: 'ordered', valueEncoding: 'json' } as never),
      database.columnFamily('msgpack', { valueEncoding: 'msgpack' } as never),
      database.columnFamily('codec', { valueEncoding: wrongCodec } as never),
    ];
    const closed = database.snapshot();
    closed.close();
    const snapshots = [closed, database.snapshot(), this.#other.snapshot()];
    const rest = [this.#other, database, ...this.#families, this.#other.defaultFamily];
    this.#handles = { database, other: this.#other, snapshots, rest };
    this.batch = database.batch();
    return this;
  }

  family(): object {
    return pick(this.#random, this.#families);
  }

  entries(): object {
    const made = pick(this.#random, this.#open);
    if (made !== undefined && this.#open.length > 3) return made;
    const entries = this.#database.entries() as Entries<unknown>;
    this.#keepEntries(entries);
    return entries;
  }

  open(args: readonly unknown[]): unknown {
    const [path, options] = args;
    const isPath = typeof path === 'string' || path instanceof URL;
    const place =
      isPath && path !== '' && !String(path).includes('\0') ? join(this.#aside, 'db') : path;
    return open(place as string, options as OpenOptions);
  }

  backup(database: Database, target: unknown, options: unknown): unknown {
    const isPath = typeof target === 'string' || target instanceof URL;
    return database.backup(
      (isPath ? join(this.#aside, 'backup') : target) as string,
      options as never,
    );
  }

  async one(random: () => number): Promise<string | undefined> {
    this.#random = random;
    const { name, call } = pick(random, CALLS);
    const args = Array.from({ length: below(random, ARGUMENTS_MAX + 1) }, (_, index) =>
      this.#argument(name, index),
    );
    try {
      this.#keep(name, call(this.#database, args, this));
    } catch (error) {
      const problem = misuseProblem(error);
      if (problem !== undefined) return `${name}: ${problem}`;
    }
    this.#calls++;
    if (this.#promises.length >= PROMISES_MAX) {
      const problem = await this.#settle();
      if (problem !== undefined) return problem;
    }
    return this.#calls % CONTROL_EVERY === 0 ? this.#control() : undefined;
  }

  /** Nearly as often right as wrong: what stands behind the checks is to be reached. */
  #argument(name: string, index: number): unknown {
    const random = this.#random;
    if (random() > RIGHT_SHARE) {
      // As a value to be encoded, a database is most of the process's memory, whole and slowly.
      const isValue = name.endsWith('put') && index > 0;
      const handles = isValue ? { ...this.#handles, snapshots: [], rest: [] } : this.#handles;
      return random() < 0.2 ? anyOptions(random, handles) : anything(random, handles);
    }
    const takesFamily =
      name.startsWith('tx.') || name.startsWith('transaction.') || name.startsWith('batch.');
    const place = takesFamily ? index - 1 : index;
    if (place < 0) return this.family();
    if (name === 'open' && place === 1)
      return { createIfMissing: false, ...(anyOptions(random, this.#handles) as object) };
    const key = `k${below(random, 30)}`;
    if (/getMany/.test(name) && place === 0) return [key, 'k1'];
    if (/(entries|keys|values|count|clear)$/.test(name) && place === 0)
      return { gte: key, limit: 5 };
    if (/(write|writeSync)$/.test(name)) return () => anything(random, this.#handles);
    if (/database.transaction$/.test(name)) return async () => anything(random, this.#handles);
    if (/waitFor/.test(name)) return 0;
    return place === 0 ? key : pick(random, ['value', Buffer.from('value'), [1, 'two'], 12]);
  }

  /** Whatever a call gave back and has to be looked after. */
  #keep(name: string, result: unknown): void {
    if (typeof result !== 'object' || result === null) return;
    if (result instanceof Promise) {
      // A sequence that is still to come: it waits, until closing ends it.
      const isWaiting = /waitFor/.test(name);
      const settled = result.then(
        (value: unknown) => this.#closeOpened(value),
        (error: unknown) => {
          const problem = misuseProblem(error);
          return problem === undefined ? undefined : `${name}: ${problem}`;
        },
      );
      if (!isWaiting) this.#promises.push(settled);
    } else if ('seek' in result) {
      this.#keepEntries(result as Entries<unknown>);
    } else if (/snapshot/.test(name)) {
      (result as { close(): void }).close();
    }
  }

  async #closeOpened(value: unknown): Promise<string | undefined> {
    const isDatabase = typeof value === 'object' && value !== null && 'lastApplied' in value;
    if (isDatabase && value !== this.#database && value !== this.#other) {
      await (value as Database).close();
      return 'open: it opened what cannot be opened';
    }
    return undefined;
  }

  #keepEntries(entries: Entries<unknown>): void {
    this.#open.push(entries);
    if (this.#open.length > 8) this.#open.shift()!.close();
  }

  async #settle(): Promise<string | undefined> {
    const promises = this.#promises.splice(0);
    const problems = await Promise.all(promises);
    return problems.find((problem) => problem !== undefined);
  }

  /** The database works: a write counts, and everything written so far is there. */
  async #control(): Promise<string | undefined> {
    const family = this.#database.columnFamily(CONTROL);
    const key = `key-${this.#calls % CONTROL_KEYS}`;
    const value = `value-${this.#calls}`;
    await family.put(key, value);
    this.#controlled.set(key, value);
    return this.#controlProblem(this.#database);
  }

  #controlProblem(database: Database): string | undefined {
    const family = database.columnFamily(CONTROL);
    for (const [key, value] of this.#controlled) {
      if (family.get(key) !== value) return `${key} is ${family.get(key)} instead of ${value}`;
    }
    return family.count() === this.#controlled.size ? undefined : 'entries that nobody wrote';
  }

  async close(): Promise<string | undefined> {
    let problem = await this.#settle();
    for (const entries of this.#open) entries.close();
    await this.#database.close();
    await this.#other.close();
    const again = await open(join(this.#path, 'db'), SMALL);
    problem ??= this.#controlProblem(again);
    const { ok, problems } = await again.verify();
    if (!ok) problem ??= JSON.stringify(problems);
    await again.close();
    rmSync(this.#path, { recursive: true, force: true });
    return problem;
  }
}

function misuseProblem(error: unknown): string | undefined {
  if (error instanceof ManifoldError || error instanceof CallersOwnError) return undefined;
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  if (error.name === 'AbortError' || CALLERS_OWN.test(error.message)) return undefined;
  if (MESSAGE_PACK.test(error.stack ?? '')) return undefined;
  const isMisuse = error instanceof TypeError || error instanceof RangeError;
  const isNative = NATIVE.some((pattern) => pattern.test(error.message));
  return isMisuse && !isNative ? undefined : `untyped: ${error.stack}`;
}

export const API: Area = {
  name: 'api',
  perRound: 20,
  make: () => new ApiFuzzer().start(),
};

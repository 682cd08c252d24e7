/**
 * rocksdb (the binding of the Level project) under the suites: chained batches, callbacks made into
 * promises; sizes of memory as for every engine, everything else at its defaults. It has no column
 * families, no synchronous reads and no flush.
 */
import { promisify } from 'node:util';
import { sumBytes } from '../sum.js';
import { loadPeer } from './peer-module.js';
import { prefixedKeys } from './prefix.js';
import type { ScanRange, Store, StoreRequest } from './store.js';
import { versionOf } from './versions.js';

type Done = (error?: Error | null) => void;
type DoneWith<T> = (error: Error | null | undefined, value: T) => void;

interface WriteOptions {
  readonly sync: boolean;
}

interface RocksIterator {
  next(done: (error: Error | null | undefined, key?: Buffer, value?: Buffer) => void): void;
  end(done: Done): void;
}

interface Rocks {
  open(options: object, done: Done): void;
  close(done: Done): void;
  put(key: Buffer, value: Buffer, options: WriteOptions, done: Done): void;
  del(key: Buffer, options: WriteOptions, done: Done): void;
  batch(): {
    put(key: Buffer, value: Buffer): unknown;
    write(options: WriteOptions, done: Done): void;
  };
  get(key: Buffer, done: DoneWith<Buffer>): void;
  getMany(keys: readonly Buffer[], done: DoneWith<(Buffer | undefined)[]>): void;
  iterator(options: object): RocksIterator;
}

type RocksModule = (path: string) => Rocks;

/** RocksDB fills one buffer while it writes another one out. */
const BUFFERS = 2;
/** Not in any workload: deleting it writes and syncs, and changes nothing. */
const NO_KEY = Buffer.from([0xff, 0xff, 0xff]);
const NOT_FOUND = /not ?found/i;

export async function openRocksdbStore(request: StoreRequest): Promise<Store> {
  const create = await loadPeer<RocksModule>('rocksdb');
  const rocks = create(request.directory);
  const options = {
    cacheSize: request.cacheBytes,
    writeBufferSize: request.bufferBytes / BUFFERS,
  };
  await promisify<object, void>((given, done) => rocks.open(given, done))(options);
  const isDurable = request.durability === 'immediate';
  const writeOptions = { sync: isDurable };
  return {
    facts: {
      version: versionOf('rocksdb'),
      options: { ...options, ...writeOptions },
      inForce: isDurable
        ? 'survives a loss of power: sync true, RocksDB synced its log'
        : 'survives the process: sync false, RocksDB wrote its log',
    },
    ...writesOf(rocks, request, writeOptions),
    getName: 'get',
    get: (key) => get(rocks, key),
    getMany: (keys) => settled((done) => rocks.getMany(keys, done)),
    scan: (range) => scan(rocks, range),
    settle: async () => {},
    finishedMeans: 'one more write with sync true; tables are compacted whenever RocksDB likes',
    finish: () => settled((done) => rocks.del(NO_KEY, { sync: true }, done)),
    close: () => settled((done) => rocks.close(done)),
  };
}

function settled<T = void>(start: (done: DoneWith<T> & Done) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error?: Error | null, value?: T) => {
      if (error) reject(error);
      else resolve(value as T);
    });
  });
}

function writesOf(rocks: Rocks, { families }: StoreRequest, options: WriteOptions) {
  const prefixed = prefixedKeys(families);
  const commit: Store['commit'] = (family, puts) => {
    const batch = rocks.batch();
    for (let i = 0; i < puts.ops; i++) batch.put(prefixed(family, puts.nextKey()), puts.value());
    return settled((done) => batch.write(options, done));
  };
  const put: Store['put'] = (key, value) => settled((done) => rocks.put(key, value, options, done));
  return { commit, put };
}

function get(rocks: Rocks, key: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    rocks.get(key, (error, value) => {
      if (!error) resolve(value);
      else if (NOT_FOUND.test(error.message)) resolve(undefined);
      else reject(error);
    });
  });
}

async function scan(rocks: Rocks, { start, reverse, limit }: ScanRange): Promise<number> {
  const iterator = rocks.iterator({
    ...(start && { gte: start }),
    ...(reverse && { reverse }),
    ...(limit && { limit }),
  });
  const sum = await new Promise<number>((resolve, reject) => {
    let read = 0;
    const step = (): void => {
      iterator.next((error, key, value) => {
        if (error) reject(error);
        else if (key === undefined) resolve(read);
        else {
          read += key.length + sumBytes(value!);
          step();
        }
      });
    };
    step();
  });
  await settled((done) => iterator.end(done));
  return sum;
}

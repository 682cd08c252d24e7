/**
 * classic-level (LevelDB) under the suites: chained batches, which copy each put at once and were
 * found to be faster than arrays; sizes of memory as for every engine, everything else at its
 * defaults.
 */
import { sumBytes } from '../sum.js';
import { loadPeer } from './peer-module.js';
import { prefixedKeys } from './prefix.js';
import type { ScanRange, Store, StoreRequest } from './store.js';
import { versionOf } from './versions.js';

interface WriteOptions {
  readonly sync: boolean;
}

interface Level {
  open(): Promise<void>;
  close(): Promise<void>;
  put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void>;
  del(key: Buffer, options: WriteOptions): Promise<void>;
  batch(): {
    put(key: Buffer, value: Buffer): unknown;
    write(options: WriteOptions): Promise<void>;
  };
  getSync(key: Buffer): Buffer | undefined;
  getMany(keys: readonly Buffer[]): Promise<(Buffer | undefined)[]>;
  iterator(options: object): {
    nextv(size: number): Promise<[Buffer, Buffer][]>;
    close(): Promise<void>;
  };
}

interface LevelModule {
  readonly ClassicLevel: new (path: string, options: object) => Level;
}

/** LevelDB fills one buffer while it writes another one out. */
const BUFFERS = 2;
/** Entries of one call of `nextv`, and room for all of them. */
const STEP = 1000;
const HIGH_WATER_MARK_BYTES = 1024 * 1024;
/** Not in any workload: deleting it writes and syncs, and changes nothing. */
const NO_KEY = Buffer.from([0xff, 0xff, 0xff]);

export async function openClassicLevelStore(request: StoreRequest): Promise<Store> {
  const { ClassicLevel } = await loadPeer<LevelModule>('classic-level');
  const options = {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    cacheSize: request.cacheBytes,
    writeBufferSize: request.bufferBytes / BUFFERS,
  };
  const level = new ClassicLevel(request.directory, options);
  await level.open();
  const isDurable = request.durability === 'immediate';
  const writeOptions = { sync: isDurable };
  const prefixed = prefixedKeys(request.families);
  return {
    facts: {
      version: versionOf('classic-level'),
      options: { ...options, ...writeOptions },
      inForce: isDurable
        ? 'survives a loss of power: sync true, LevelDB synced its log'
        : 'survives the process: sync false, LevelDB wrote its log',
    },
    commit: (family, puts) => {
      const batch = level.batch();
      for (let i = 0; i < puts.ops; i++) batch.put(prefixed(family, puts.nextKey()), puts.value());
      return batch.write(writeOptions);
    },
    put: (key, value) => level.put(key, value, writeOptions),
    getName: 'getSync',
    get: (key) => level.getSync(key),
    getMany: (keys) => level.getMany(keys),
    scan: (range) => scan(level, range),
    settle: async () => {},
    finishedMeans: 'one more write with sync true; tables are compacted whenever LevelDB likes',
    finish: () => level.del(NO_KEY, { sync: true }),
    close: () => level.close(),
  };
}

async function scan(level: Level, { start, reverse, limit }: ScanRange): Promise<number> {
  const iterator = level.iterator({
    ...(start && { gte: start }),
    ...(reverse && { reverse }),
    ...(limit && { limit }),
    highWaterMarkBytes: HIGH_WATER_MARK_BYTES,
  });
  let sum = 0;
  for (;;) {
    const entries = await iterator.nextv(limit ?? STEP);
    if (entries.length === 0) break;
    for (const [key, value] of entries) sum += key.length + sumBytes(value);
    if (limit !== undefined && entries.length >= limit) break;
  }
  await iterator.close();
  return sum;
}

/**
 * better-sqlite3 under the suites: WAL, as its documentation recommends, one table without row
 * numbers per family, prepared statements, one transaction per commit. Cache and mapped memory as
 * large as every engine's cache. All of it is synchronous.
 */
import { join } from 'node:path';
import { sumBytes } from '../sum.js';
import { loadPeer } from './peer-module.js';
import type { Puts, ScanRange, Store, StoreRequest } from './store.js';
import { versionOf } from './versions.js';

interface Statement<R> {
  run(...parameters: unknown[]): unknown;
  get(...parameters: unknown[]): R | undefined;
  iterate(...parameters: unknown[]): Iterable<R>;
  raw(): Statement<R>;
  pluck(): Statement<R>;
}

interface Sqlite {
  pragma(text: string, options?: { simple: boolean }): unknown;
  exec(text: string): unknown;
  prepare<R>(text: string): Statement<R>;
  transaction<A extends unknown[]>(run: (...parameters: A) => void): (...parameters: A) => void;
  close(): unknown;
}

type SqliteModule = new (path: string) => Sqlite;
type Entry = [Buffer, Buffer];

const KIB = 1024;
const FILE_NAME = 'data.sqlite';
const NO_LIMIT = -1;

export async function openSqliteStore(request: StoreRequest): Promise<Store> {
  const SqliteDatabase = await loadPeer<SqliteModule>('better-sqlite3');
  const sqlite = new SqliteDatabase(join(request.directory, FILE_NAME));
  const isDurable = request.durability === 'immediate';
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma(`synchronous = ${isDurable ? 'FULL' : 'NORMAL'}`);
  sqlite.pragma(`cache_size = -${Math.floor(request.cacheBytes / KIB)}`);
  sqlite.pragma(`mmap_size = ${request.cacheBytes}`);
  for (let i = 0; i < request.families; i++) {
    sqlite.exec(
      `CREATE TABLE IF NOT EXISTS family_${i} (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID`,
    );
  }
  return {
    facts: {
      version: versionOf('better-sqlite3'),
      options: optionsOf(sqlite),
      inForce: isDurable
        ? 'survives a loss of power: WAL, synchronous FULL, every commit is synced'
        : 'survives the process: WAL, synchronous NORMAL, synced at checkpoints only',
    },
    ...writesOf(sqlite, request.families),
    ...readsOf(sqlite),
    settle: async () => {},
    finishedMeans: 'wal_checkpoint(TRUNCATE): all in the database file, synced',
    finish: async () => {
      sqlite.pragma('wal_checkpoint(TRUNCATE)');
    },
    close: async () => {
      sqlite.close();
    },
  };
}

function optionsOf(sqlite: Sqlite): Record<string, unknown> {
  const names = ['journal_mode', 'synchronous', 'cache_size', 'mmap_size', 'page_size'];
  const pragmas = [...names, 'wal_autocheckpoint'].map((name) => {
    return [name, sqlite.pragma(name, { simple: true })];
  });
  const sqliteVersion = sqlite.prepare<string>('SELECT sqlite_version()').pluck().get();
  return { ...Object.fromEntries(pragmas), sqliteVersion };
}

function writesOf(sqlite: Sqlite, families: number) {
  const inserts = Array.from({ length: families }, (_, i) => {
    return sqlite.prepare(`INSERT OR REPLACE INTO family_${i} (k, v) VALUES (?, ?)`);
  });
  const commitAll = sqlite.transaction((insert: Statement<unknown>, puts: Puts) => {
    for (let i = 0; i < puts.ops; i++) insert.run(puts.nextKey(), puts.value());
  });
  const putOne = (key: Buffer, value: Buffer): void => {
    inserts[0]!.run(key, value);
  };
  return {
    commit: (family: number, puts: Puts) => commitAll(inserts[family]!, puts),
    put: putOne,
    putSync: putOne,
  };
}

function readsOf(sqlite: Sqlite) {
  const select = sqlite.prepare<Buffer>('SELECT v FROM family_0 WHERE k = ?').pluck();
  const forward = sqlite.prepare<Entry>('SELECT k, v FROM family_0 ORDER BY k LIMIT ?').raw();
  const backward = sqlite.prepare<Entry>('SELECT k, v FROM family_0 ORDER BY k DESC LIMIT ?').raw();
  const from = sqlite
    .prepare<Entry>('SELECT k, v FROM family_0 WHERE k >= ? ORDER BY k LIMIT ?')
    .raw();
  const entriesOf = ({ start, reverse, limit = NO_LIMIT }: ScanRange): Iterable<Entry> => {
    if (start !== undefined) return from.iterate(start, limit);
    return (reverse === true ? backward : forward).iterate(limit);
  };
  return {
    getName: 'get',
    get: (key: Buffer) => select.get(key),
    getMany: (keys: readonly Buffer[]) => keys.map((key) => select.get(key)),
    scan: (range: ScanRange) => {
      let sum = 0;
      for (const [key, value] of entriesOf(range)) sum += key.length + sumBytes(value);
      return sum;
    },
  };
}

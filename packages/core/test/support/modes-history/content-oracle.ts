/**
 * Who knows what the families must hold: lmdb, given the same changes, or a plain map on a machine
 * where lmdb cannot be loaded.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as lmdbModule from 'lmdb';
import { Oracle, utf8Order } from '../api-oracle.js';
import type { Change } from './model.js';

export type Entry = [key: string, value: string];

export interface ContentOracle {
  readonly name: string;
  /** The changes of one commit. */
  apply(changes: readonly Change[]): void;
  /** All entries of a family in the order of the keys, or against it. */
  scan(family: string, isReverse: boolean): Entry[];
  close(): Promise<void>;
}

type Lmdb = typeof lmdbModule;

/** Loaded once; the reason when it cannot be. */
const lmdb = await import('lmdb').then(
  (module): { readonly module: Lmdb } => ({ module }),
  (error: unknown): { readonly reason: string } => ({ reason: String(error) }),
);

export const ORACLE_NAME =
  'module' in lmdb ? 'lmdb' : `a sorted map, since lmdb cannot be loaded (${lmdb.reason})`;

export function openContentOracle(): ContentOracle {
  return 'module' in lmdb ? new LmdbOracle(lmdb.module) : new MapOracle();
}

class LmdbOracle implements ContentOracle {
  readonly name = ORACLE_NAME;
  readonly #directory = mkdtempSync(join(tmpdir(), 'manifold-oracle-'));
  readonly #root;
  readonly #families = new Map<string, ReturnType<LmdbOracle['openFamily']>>();

  constructor({ open }: Lmdb) {
    this.#root = open<Buffer, Buffer>({ path: this.#directory, noSync: true, maxDbs: 16 });
  }

  openFamily(name: string) {
    const encodings = { keyEncoding: 'binary', encoding: 'binary' } as const;
    return this.#root.openDB<Buffer, Buffer>(`family ${name}`, encodings);
  }

  #family(name: string) {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, (family = this.openFamily(name)));
    return family;
  }

  apply(changes: readonly Change[]): void {
    const families = new Map(changes.map(({ family }) => [family, this.#family(family)]));
    this.#root.transactionSync(() => {
      for (const change of changes) {
        const family = families.get(change.family)!;
        if (change.op === 'put') {
          family.putSync(Buffer.from(change.key), Buffer.from(change.value));
        } else if (change.op === 'delete') {
          family.removeSync(Buffer.from(change.key));
        } else {
          const bounds = change.op === 'clear' ? change.bounds : {};
          const keys = [...family.getKeys()].map((key) => Buffer.from(key));
          for (const key of keys) {
            if (BOUNDS.isWithin(key.toString(), bounds)) family.removeSync(key);
          }
        }
      }
    });
  }

  scan(family: string, isReverse: boolean): Entry[] {
    const range = this.#family(family).getRange({ reverse: isReverse });
    return Array.from(range, ({ key, value }) => [key.toString(), value.toString()]);
  }

  async close(): Promise<void> {
    await this.#root.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Asked only whether a key lies within bounds. */
const BOUNDS = new Oracle<string, string>(utf8Order);

class MapOracle implements ContentOracle {
  readonly name = ORACLE_NAME;
  readonly #families = new Map<string, Map<string, string>>();

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const family = this.#families.get(change.family) ?? new Map<string, string>();
      this.#families.set(change.family, family);
      if (change.op === 'put') family.set(change.key, change.value);
      else if (change.op === 'delete') family.delete(change.key);
      else {
        const bounds = change.op === 'clear' ? change.bounds : {};
        for (const key of family.keys()) if (BOUNDS.isWithin(key, bounds)) family.delete(key);
      }
    }
  }

  scan(family: string, isReverse: boolean): Entry[] {
    const sign = isReverse ? -1 : 1;
    return [...(this.#families.get(family) ?? [])].sort(([a], [b]) => {
      return sign * utf8Order.compare(a, b);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

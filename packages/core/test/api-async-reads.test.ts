/**
 * Asynchronous reads that are still under way when the version they read is let go: a transaction
 * is given up, the write buffer's version moves on to a newer tree, the database is closed. What
 * they bring must not come into memory any more, and is no error of the file.
 */
import { createVfs, type Vfs, type VfsFile } from '@manifold-db/storage';
import type { Database, OpenOptions } from '@manifold-db/core';
import { expect, it } from 'vitest';
import {
  MIB,
  databasePath,
  expectCode,
  openSmall,
  openSmallWith,
  until,
} from './support/api-database.js';

/** The real files; asynchronous reads of this thread wait in `held` while `holds` is set. */
class HeldReads {
  holds = false;
  held: (() => void)[] = [];

  vfs(): Vfs {
    const real = createVfs({ kind: 'real' });
    return { ...real, open: (path, mode) => this.#wrap(real.open(path, mode)) };
  }

  #wrap(file: VfsFile): VfsFile {
    return {
      read: (target, offset) => file.read(target, offset),
      write: (parts, offset) => file.write(parts, offset),
      dataSync: () => file.dataSync(),
      sync: () => file.sync(),
      truncate: (bytes) => file.truncate(bytes),
      size: () => file.size(),
      close: () => file.close(),
      readAsync: async (target, offset) => {
        const count = file.read(target, offset);
        if (!this.holds) return count;
        await new Promise<void>((resolve) => this.held.push(resolve));
        // Says EBADF once the file is closed.
        file.size();
        return count;
      },
    };
  }

  async goOn(): Promise<void> {
    this.holds = false;
    for (const resolve of this.held.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const COUNT = 1000;

function key(at: number): string {
  return `k${String(at).padStart(6, '0')}`;
}

async function rewrite(db: Database, text: string): Promise<void> {
  for (let from = 0; from < COUNT; from += 100) {
    const batch = db.batch();
    for (let at = from; at < from + 100; at++) batch.put(db.defaultFamily, key(at), text);
    await batch.write({ durability: 'none' });
  }
  await db.checkpoint();
}

/** Page numbers are used again and again: each read must find what was written last. */
async function expectRewritable(db: Database): Promise<void> {
  for (const round of ['1', '2']) {
    const text = round.repeat(700);
    await rewrite(db, text);
    for (let at = 0; at < COUNT; at++) if (db.get(key(at)) !== text) expect.unreachable(key(at));
  }
}

/** A database with everything in the file, nothing in memory, whose reads are held. */
async function openCold(options: OpenOptions) {
  const path = databasePath();
  const first = await openSmall(path, options);
  await rewrite(first, 'old'.repeat(230));
  await first.close();
  const reads = new HeldReads();
  const db = await openSmallWith({ vfs: reads.vfs() }, options, path);
  reads.holds = true;
  return { db, reads };
}

it('a transaction is given up while it is walked', async () => {
  const reads = new HeldReads();
  const options = { mode: 'pipelined', cacheBytes: MIB } as const;
  const db = await openSmallWith({ vfs: reads.vfs() }, options);
  const family = db.columnFamily('default');
  const over: Promise<unknown>[] = [];
  const given = db.transaction(async (tx) => {
    for (let at = 0; at < COUNT; at++) tx.put(family, key(at), 'private'.repeat(100));
    reads.holds = true;
    for (let at = 0; at < COUNT; at += 40) {
      const walk = tx.entries(family, { gte: key(at), limit: 1 })[Symbol.asyncIterator]();
      over.push(walk.next().catch((error: { code: string }) => error.code));
    }
    await until(() => reads.held.length > 10);
    throw new Error('given up');
  });
  await expect(given).rejects.toThrow('given up');
  await reads.goOn();
  expect(await Promise.all(over)).toContain('ERR_MANIFOLD_CLOSED');
  await expectRewritable(db);
});

it('the version of a read moves on to a newer tree', async () => {
  const { db, reads } = await openCold({ mode: 'buffered', cacheBytes: 2 * MIB });
  // Only what has something above its tree moves.
  await db.put('other', 'value');
  const found: Promise<string | undefined>[] = [];
  for (let at = 0; at < COUNT; at += 40) found.push(db.getAsync(key(at)));
  await until(() => reads.held.length > 0);
  await rewrite(db, 'new'.repeat(230));
  await db.put('other', 'another');
  await db.checkpoint();
  await reads.goOn();
  for (const value of await Promise.all(found)) expect(value).toBe('old'.repeat(230));
  await expectRewritable(db);
});

it.each(['pipelined', 'buffered'] as const)('%s: the database is closed', async (mode) => {
  const { db, reads } = await openCold({ mode });
  const value = db.getAsync(key(7));
  const entry = db.entries()[Symbol.asyncIterator]().next();
  const refused = [value, entry].map((read) => expectCode(read, 'ERR_MANIFOLD_CLOSED'));
  await until(() => reads.held.length >= 2);
  await db.close();
  await reads.goOn();
  await Promise.all(refused);
});

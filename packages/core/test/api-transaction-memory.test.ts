/**
 * Optimistic transactions whose private pages fill the cache. No checkpoint makes such pages clean:
 * a commit that waited for one, the transaction's own or one that its body waits for, waited for
 * ever, and writes beside paused transactions found no frame.
 */
import type { Database, Transaction } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { MIB, openSmall } from './support/api-database.js';

const MODES = ['pipelined', 'async-wal', 'sequential'] as const;
const VALUE = 'v'.repeat(900);

/** Admission is closed at 70 % dirty frames, a growing diff spills at 80 %. */
const BETWEEN = 0.75;

function key(at: number): string {
  return `k${String(at).padStart(8, '0')}`;
}

/** Puts until the share of the frames is dirty; returns how many. */
function fill(db: Database, tx: Transaction): number {
  const family = db.columnFamily('default');
  for (let count = 1; ; count++) {
    tx.put(family, key(count), VALUE);
    const { dirtyFrameCount, frameCount } = db.stats().cache;
    if (dirtyFrameCount > frameCount * BETWEEN) return count;
  }
}

it.each(MODES)(
  '%s: a transaction that fills the cache commits',
  async (mode) => {
    const db = await openSmall(undefined, { mode, cacheBytes: 2 * MIB });
    const count = await db.transaction(async (tx) => fill(db, tx));
    expect(db.count()).toBe(count);
  },
  10_000,
);

it.each(MODES)(
  '%s: so does a put that its body waits for',
  async (mode) => {
    const db = await openSmall(undefined, { mode, cacheBytes: 2 * MIB });
    const count = await db.transaction(async (tx) => {
      const filled = fill(db, tx);
      await db.put('other', 'x');
      return filled;
    });
    expect(db.count()).toBe(count + 1);
  },
  10_000,
);

it.each(MODES)(
  '%s: writes beside paused transactions find frames',
  async (mode) => {
    const db = await openSmall(undefined, { mode, cacheBytes: MIB });
    let goOn = (): void => {};
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const names = ['a', 'b', 'c', 'd'];
    const paused = names.map((name) => {
      const family = db.columnFamily(name);
      return db.transaction(async (tx) => {
        for (let at = 0; at < 600; at++) tx.put(family, key((at * 7919) % 600), 'x'.repeat(300));
        await gate;
        for (let at = 600; at < 900; at++) tx.put(family, key(at), 'x'.repeat(300));
        return tx.count(family);
      });
    });
    const puts: Promise<unknown>[] = [];
    for (let at = 0; at < 1000; at++) {
      puts.push(db.put(key((at * 7919) % 1000), 'y'.repeat(200), { durability: 'none' }));
      if (at % 100 === 0) await puts.at(-1);
    }
    expect((await Promise.allSettled(puts)).filter(({ status }) => status === 'rejected')).toEqual(
      [],
    );
    goOn();
    expect(await Promise.all(paused)).toEqual(names.map(() => 900));
    expect(db.count()).toBe(1000);
    for (const name of names) expect(db.columnFamily(name).count()).toBe(900);
  },
  10_000,
);

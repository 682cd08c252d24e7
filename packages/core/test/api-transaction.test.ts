/**
 * Optimistic transactions: what was read must still hold at commit, keys and ranges alike.
 */
import type { ColumnFamily, Database, Transaction } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { databasePath, expectCode, openSmall } from './support/api-database.js';
import { inModes } from './support/modes.js';

type Body = (tx: Transaction, family: ColumnFamily) => unknown;

/** Runs a body whose first attempt is disturbed between its reads and its commit. */
async function disturbed(
  db: Database,
  body: Body,
  disturb: () => Promise<unknown>,
): Promise<number> {
  let attempts = 0;
  await db.transaction(async (tx) => {
    attempts++;
    body(tx, db.defaultFamily);
    if (attempts === 1) await disturb();
    tx.put(db.defaultFamily, 'result', String(attempts));
  });
  return attempts;
}

const READS: [name: string, body: Body][] = [
  ['get', (tx, family) => tx.get(family, 'k5')],
  ['get of what is not there', (tx, family) => tx.get(family, 'k55')],
  ['has', (tx, family) => tx.has(family, 'k5')],
  ['getMany', (tx, family) => tx.getMany(family, ['a', 'k5'])],
  ['a whole scan', (tx, family) => [...tx.entries(family, { gte: 'k', lt: 'l' })]],
  ['keys in reverse', (tx, family) => [...tx.keys(family, { prefix: 'k', reverse: true })]],
  ['count', (tx, family) => tx.count(family, { gt: 'k4', lte: 'k6' })],
  ['clear', (tx, family) => tx.clear(family, { gte: 'k5', lt: 'k6' })],
  ['put with a condition', (tx, family) => tx.put(family, 'k5', '5', { ifValue: '5' })],
];

it.each(READS)('a change of what was read by %s makes the body run again', async (_name, body) => {
  const db = await openSmall();
  for (let at = 0; at < 10; at++) await db.put(`k${at}`, String(at), { durability: 'none' });
  const change = async (): Promise<void> => {
    await db.put('k55', 'between', { durability: 'none' });
    await db.delete('k5', { durability: 'none' });
  };
  const isCondition = _name.startsWith('put');
  const run = disturbed(db, body, change);
  if (isCondition) await expectCode(run, 'ERR_MANIFOLD_CONFLICT');
  else expect(await run).toBe(2);

  for (let at = 0; at < 10; at++) await db.put(`k${at}`, String(at), { durability: 'none' });
  // Other keys, and changes that leave the same value behind, are no conflict.
  const harmless = async (): Promise<void> => {
    await db.put('zzz', 'other', { durability: 'none' });
    await db.put('k5', 'elsewhere', { durability: 'none' });
    await db.put('k5', '5', { durability: 'none' });
  };
  expect(await disturbed(db, body, harmless)).toBe(1);
});

inModes('reads stay on the state of the start; blind writes never conflict', async () => {
  const db = await openSmall();
  await db.put('a', '1');
  const seen: unknown[] = [];
  let attempts = 0;
  await db.transaction(async (tx) => {
    attempts++;
    expect(tx.sequence).toBe(1);
    await db.put('a', '2');
    await db.put('b', '2');
    tx.put(db.defaultFamily, 'a', '3');
    tx.delete(db.defaultFamily, 'nothing');
    seen.push(tx.get(db.columnFamily('none'), 'x'));
  });
  expect(attempts).toBe(1);
  expect([...db.entries()]).toEqual([
    ['a', '3'],
    ['b', '2'],
  ]);
  const read = await db.transaction(async (tx) => {
    const before = tx.get(db.defaultFamily, 'a');
    await db.put('a', '4');
    return [before, tx.get(db.defaultFamily, 'a'), [...tx.keys(db.defaultFamily)]];
  });
  expect(read).toEqual(['3', '3', ['a', 'b']]);
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

inModes('retries run out with CONFLICT; the body ran retries + 1 times', async () => {
  const db = await openSmall();
  for (const retries of [0, 3]) {
    let attempts = 0;
    const transaction = db.transaction(
      async (tx) => {
        attempts++;
        tx.get(db.defaultFamily, 'a');
        await db.put('a', `${retries} ${attempts}`, { durability: 'none' });
        tx.put(db.defaultFamily, 'b', 'never');
      },
      { retries },
    );
    const error = await expectCode(transaction, 'ERR_MANIFOLD_CONFLICT');
    expect(error.message).toContain(String(retries + 1));
    expect(attempts).toBe(retries + 1);
  }
  expect(db.has('b')).toBe(false);
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

inModes('a body that throws rolls back and is not repeated', async () => {
  const db = await openSmall();
  let attempts = 0;
  const cause = new Error('on purpose');
  const transaction = db.transaction(async (tx) => {
    attempts++;
    tx.put(db.defaultFamily, 'a', '1');
    await Promise.resolve();
    throw cause;
  });
  await expect(transaction).rejects.toBe(cause);
  expect(attempts).toBe(1);
  expect(db.lastCommitted).toBe(0);
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

inModes('50 parallel increments of one counter lose none', async (mode) => {
  const path = databasePath();
  const db = await openSmall(path, { mode });
  const counters = db.columnFamily<string, number>('counters', { valueEncoding: 'json' });
  const increment = (): Promise<number> =>
    db.transaction(
      async (tx) => {
        const before = tx.get(counters, 'n') ?? 0;
        await new Promise(setImmediate);
        tx.put(counters, 'n', before + 1);
        return before + 1;
      },
      { retries: 1000, durability: 'async' },
    );
  const results = await Promise.all(Array.from({ length: 50 }, increment));
  expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  await db.close();
  const again = await openSmall(path);
  expect(again.columnFamily('counters', { valueEncoding: 'json' }).get('n')).toBe(50);
});

inModes('write skew is prevented', async () => {
  const db = await openSmall();
  const onCall = db.columnFamily<string, boolean>('on call', { valueEncoding: 'json' });
  await onCall.put('ada', true);
  await onCall.put('bob', true);
  const leave = (name: string): Promise<boolean> =>
    db.transaction(async (tx) => {
      const others = [...tx.entries(onCall)].filter(([other, is]) => is && other !== name);
      await new Promise(setImmediate);
      if (others.length === 0) return false;
      tx.put(onCall, name, false);
      return true;
    });
  const left = await Promise.all([leave('ada'), leave('bob')]);
  expect(left.sort()).toEqual([false, true]);
  expect([...onCall.values()].sort()).toEqual([false, true]);
});

inModes('phantoms are seen: a sum over a range stays right', async () => {
  const db = await openSmall();
  const items = db.columnFamily<number, number>('items', {
    keyEncoding: 'ordered',
    valueEncoding: 'json',
  });
  const addNext = (): Promise<void> =>
    db.transaction(
      async (tx) => {
        const sum = [...tx.values(items)].reduce((a, b) => a + b, 0);
        await new Promise(setImmediate);
        tx.put(items, tx.count(items), sum + 1);
      },
      { retries: 1000, durability: 'none' },
    );
  await Promise.all(Array.from({ length: 12 }, addNext));
  expect([...items.values()]).toEqual(Array.from({ length: 12 }, (_, at) => 2 ** at));
});

inModes('savepoints and large transactions work on the private state too', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  await db.transaction(async (tx) => {
    tx.put(family, 'kept', '1');
    const savepoint = tx.savepoint();
    for (let at = 0; at < 2000; at++) tx.put(family, `k${at}`, 'x'.repeat(100));
    await Promise.resolve();
    tx.rollbackTo(savepoint);
    for (let at = 0; at < 1000; at++) tx.put(family, `m${at}`, 'y'.repeat(500));
    await Promise.resolve();
    expect(tx.count(family)).toBe(1001);
    tx.delete(family, 'm7');
  });
  expect(family.count()).toBe(1000);
  expect([...family.keys({ limit: 2 })]).toEqual(['kept', 'm0']);
  expect(db.lastCommitted).toBe(1);
});

inModes('a family dropped meanwhile: blind writes make it again, reads conflict', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  await family.put('old', '1');
  await db.transaction(async (tx) => {
    await db.dropColumnFamily('family');
    tx.put(family, 'new', '2');
    tx.delete(family, 'other');
  });
  expect([...family.entries()]).toEqual([['new', '2']]);
  let attempts = 0;
  await db.transaction(async (tx) => {
    attempts++;
    const before = tx.get(family, 'new');
    if (attempts === 1) await db.dropColumnFamily('family');
    tx.put(family, 'result', String(before));
  });
  expect(attempts).toBe(2);
  expect([...family.entries()]).toEqual([['result', 'undefined']]);
});

inModes('two transactions may both create a family', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const family = db.columnFamily('family');
  const create = (key: string): Promise<void> =>
    db.transaction(async (tx) => {
      tx.put(family, key, key);
      await new Promise(setImmediate);
    });
  await Promise.all([create('a'), create('b'), create('c')]);
  expect([...family.keys()]).toEqual(['a', 'b', 'c']);
  await db.close();
  expect([...(await openSmall(path)).columnFamily('family').keys()]).toEqual(['a', 'b', 'c']);
});

inModes('a family dropped and made again meanwhile: own writes are still seen', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const family = db.columnFamily('family');
  await family.put('old', '1');
  const seen: unknown[] = [];
  let attempts = 0;
  await db.transaction(async (tx) => {
    tx.put(family, 'mine', '2');
    tx.put(family, 'undone', '3');
    if (++attempts === 1) {
      await db.dropColumnFamily('family');
      await family.put('theirs', '4');
    }
    tx.delete(family, 'undone');
    if (attempts === 1) seen.push(...tx.keys(family), tx.get(family, 'mine'));
  });
  // The first attempt conflicts, as its keys were read; the second finds the new family.
  expect(seen).toEqual(['mine', 'old', '2']);
  expect(attempts).toBe(2);
  expect([...family.keys()]).toEqual(['mine', 'theirs']);
  await db.close();
  expect([...(await openSmall(path)).columnFamily('family').keys()]).toEqual(['mine', 'theirs']);
});

inModes('a family made here, and elsewhere too and dropped, shows own writes', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  const shown: unknown[] = [];
  const body = async (tx: Transaction): Promise<void> => {
    tx.put(family, 'mine', '1');
    await family.put('theirs', '2');
    await db.dropColumnFamily('family');
    await family.put('later', '3');
    const savepoint = tx.savepoint();
    tx.put(family, 'undone', '4');
    tx.rollbackTo(savepoint);
    shown.push(...tx.entries(family));
    tx.delete(family, 'mine');
    shown.push(tx.has(family, 'mine'), tx.count(family));
  };
  await expectCode(db.transaction(body, { retries: 0 }), 'ERR_MANIFOLD_CONFLICT');
  expect(shown).toEqual([['mine', '1'], false, 0]);
  expect([...family.keys()]).toEqual(['later']);
});

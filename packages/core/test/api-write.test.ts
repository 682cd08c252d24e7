/**
 * write, writeSync, batches and savepoints: one callback is one commit or none.
 */
import type { ColumnFamily, Savepoint, WriteTransaction } from '@manifold-db/core';
import { expect } from 'vitest';
import {
  databasePath,
  expectThrownCode,
  openSmall,
  openSmallWith,
} from './support/api-database.js';
import { inModes } from './support/modes.js';

inModes('a callback reads its own writes, and nobody else does before the commit', async () => {
  const db = await openSmall();
  const other = db.columnFamily('other');
  await db.put('a', '1');
  const commit = await db.write((tx) => {
    tx.put(db.defaultFamily, 'b', '2');
    tx.delete(db.defaultFamily, 'a');
    tx.put(other, 'c', '3');
    expect(tx.get(db.defaultFamily, 'b')).toBe('2');
    expect(tx.has(db.defaultFamily, 'a')).toBe(false);
    expect(tx.getMany(db.defaultFamily, ['a', 'b'])).toEqual([undefined, '2']);
    expect([...tx.entries(db.defaultFamily)]).toEqual([['b', '2']]);
    expect([...tx.keys(other)]).toEqual(['c']);
    expect([...tx.values(other, { reverse: true })]).toEqual(['3']);
    expect(tx.count(other)).toBe(1);
    // Outside: the state before.
    expect([...db.entries()]).toEqual([['a', '1']]);
    expect(other.count()).toBe(0);
    return { some: 'value' };
  });
  expect(commit).toEqual({ sequence: 2, value: { some: 'value' } });
  expect([...db.entries()]).toEqual([['b', '2']]);
  expect(other.get('c')).toBe('3');
});

inModes('a callback that throws, or returns a promise, leaves nothing behind', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  const put = (tx: WriteTransaction): void => tx.put(family, 'a', '1');
  const cause = new Error('on purpose');
  const build = (tx: WriteTransaction): never => {
    put(tx);
    throw cause;
  };
  await expect(db.write(build)).rejects.toBe(cause);
  expect(() => db.writeSync(build)).toThrow(cause);
  await expect(db.write(async (tx) => put(tx))).rejects.toThrow(/synchronous.*transaction\(\)/);
  expect(() => db.writeSync(async (tx) => put(tx))).toThrow(TypeError);
  // The rejection of the promise itself must not surface on its own either.
  await expect(db.write(() => Promise.reject(new Error('lost')))).rejects.toThrow(TypeError);
  await expect(db.write(() => ({ then: () => {} }))).rejects.toThrow(TypeError);
  expect(db.columnFamilies()).toEqual(['default']);
  expect(await db.write(put)).toMatchObject({ sequence: 1 });
});

inModes(
  'a callback without writes gives the last sequence; its transaction ends with it',
  async () => {
    const db = await openSmall();
    await db.put('a', '1');
    let kept: WriteTransaction | undefined;
    const read = await db.write((tx) => {
      kept = tx;
      return tx.get(db.defaultFamily, 'a');
    });
    expect(read).toEqual({ sequence: 1, value: '1' });
    expect(db.writeSync(() => 7)).toEqual({ sequence: 1, value: 7 });
    expectThrownCode(() => kept!.get(db.defaultFamily, 'a'), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => kept!.put(db.defaultFamily, 'a', '2'), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => kept!.savepoint(), 'ERR_MANIFOLD_CLOSED');
  },
);

inModes('writeSync is durable when it returns, in order after the rest', async (mode) => {
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 3000 } as const;
  const db = await openSmallWith({ vfsSpec }, { mode, pendingCommitsMax: 8 });
  const pending = Array.from({ length: 20 }, (_, at) => db.put(`k${at}`, 'v'));
  const { sequence, value } = db.writeSync((tx) => {
    tx.put(db.defaultFamily, 'last', 'v');
    return tx.count(db.defaultFamily);
  });
  expect({ sequence, value }).toEqual({ sequence: 21, value: 21 });
  expect(db.lastSynced).toBeGreaterThanOrEqual(sequence);
  expect((await Promise.all(pending)).map((commit) => commit.sequence)).toEqual(
    pending.map((_, at) => at + 1),
  );
  const quick = db.writeSync((tx) => tx.put(db.defaultFamily, 'x', 'y'), { durability: 'none' });
  expect(db.lastCommitted).toBe(quick.sequence);
});

inModes('writes called inside a callback are commits of their own after it', async (mode) => {
  // No checkpoint by time, which would move the pipeline on by chance.
  const db = await openSmall(databasePath(), { mode, checkpointIntervalMs: 0 });
  const inner: Promise<{ sequence: number }>[] = [];
  const outer = await db.write((tx) => {
    inner.push(db.put('b', 'inner'));
    inner.push(db.write((nested) => nested.put(db.defaultFamily, 'c', 'inner')));
    expect(() => db.writeSync(() => {})).toThrow(TypeError);
    expect(tx.get(db.defaultFamily, 'b')).toBeUndefined();
    tx.put(db.defaultFamily, 'b', 'outer');
  });
  expect(outer.sequence).toBe(1);
  expect((await Promise.all(inner)).map(({ sequence }) => sequence)).toEqual([2, 3]);
  expect(db.get('b')).toBe('inner');

  // The outer ones write nothing, so that nothing else moves the pipeline on.
  let put: Promise<unknown> | undefined;
  await db.write(() => {
    put = db.put('d', 'inner');
  });
  await put;
  const failed = db.write(() => {
    put = db.put('e', 'inner');
    throw new Error('rolled back');
  });
  await expect(failed).rejects.toThrow('rolled back');
  await put;
  db.writeSync(() => {
    put = db.put('f', 'inner');
  });
  await put;
  expect([...db.keys()]).toEqual(['b', 'c', 'd', 'e', 'f']);
});

inModes('a walk over what a savepoint undoes ends with it, one from before goes on', async () => {
  const db = await openSmall(databasePath());
  const family = db.defaultFamily;
  await db.write((tx) => {
    for (let i = 0; i < 600; i++) tx.put(family, `k${1000 + i}`, 'x'.repeat(50));
    const before = tx.keys(family);
    before.next();
    const savepoint = tx.savepoint();
    for (let i = 0; i < 600; i++) tx.put(family, `l${1000 + i}`, 'y'.repeat(50));
    const undone = tx.keys(family, { gte: 'l' });
    expect(undone.next().value).toBe('l1000');
    tx.rollbackTo(savepoint);
    tx.put(family, 'm', 'z');
    expectThrownCode(() => [...undone], 'ERR_MANIFOLD_CLOSED');
    expect([...before]).toHaveLength(599);
    expect([...tx.keys(family, { gte: 'l' })]).toEqual(['m']);
  });
  expect(db.count()).toBe(601);
});

inModes('savepoints undo what came after them, as often as wanted', async () => {
  const db = await openSmall();
  const family = db.columnFamily('family');
  const untouched = db.columnFamily('untouched');
  for (let at = 0; at < 300; at++) await family.put(`k${at}`, 'old', { durability: 'none' });
  let foreign: Savepoint | undefined;
  await db.write((tx) => {
    tx.put(family, 'k1', 'first');
    const first = tx.savepoint();
    expect(first.operationCount).toBe(1);
    tx.clear(family);
    tx.put(untouched, 'a', 'b');
    const second = tx.savepoint();
    tx.put(family, 'z', 'z');
    tx.rollbackTo(second);
    expect([...tx.keys(family)]).toEqual([]);
    expect(tx.get(untouched, 'a')).toBe('b');
    tx.rollbackTo(first);
    expect(tx.count(family)).toBe(300);
    expect(tx.get(family, 'k1')).toBe('first');
    expect(tx.get(untouched, 'a')).toBeUndefined();
    expect(() => tx.rollbackTo(second)).toThrow(TypeError);
    for (let at = 0; at < 200; at++) tx.delete(family, `k${at}`);
    tx.rollbackTo(first);
    tx.put(family, 'k2', 'second');
    foreign = first;
  });
  await db.write((tx) => {
    expect(() => tx.rollbackTo(foreign!)).toThrow(TypeError);
    expect(() => tx.rollbackTo({ operationCount: 0 })).toThrow(TypeError);
  });
  expect(db.columnFamilies()).toEqual(['default', 'family']);
  expect(family.count()).toBe(300);
  expect(family.getMany(['k0', 'k1', 'k2'])).toEqual(['old', 'first', 'second']);
});

inModes('iterators of a transaction show its writes ahead of them, and end with it', async () => {
  const db = await openSmall();
  for (const key of ['a', 'b', 'c']) await db.put(key, '1');
  let kept: Iterator<string> | undefined;
  await db.write((tx) => {
    const seen: string[] = [];
    for (const key of tx.keys(db.defaultFamily)) {
      seen.push(key);
      tx.put(db.defaultFamily, `${key}${key}`, '2');
      tx.delete(db.defaultFamily, key);
      if (seen.length > 20) break;
    }
    // Whether a key written ahead shows depends on nothing but its place.
    expect(seen).toContain('a');
    expect(seen).toContain('b');
    expect(seen).toContain('c');
    kept = tx.keys(db.defaultFamily)[Symbol.iterator]();
  });
  expect(() => kept!.next()).toThrow();
});

inModes('a batch is one commit, in order, and can be used again', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const numbers = db.columnFamily<number, { n: number }>('numbers', {
    keyEncoding: 'ordered',
    valueEncoding: 'json',
  });
  const batch = db.batch();
  expect(await batch.write()).toEqual({ sequence: 0 });
  for (let at = 0; at < 100; at++) batch.put(numbers, at, { n: at });
  batch.delete(numbers, 3).clear(numbers, { gte: 50, lt: 60 }).put(db.defaultFamily, 'a', '1');
  expect(batch.length).toBe(103);
  expect(db.lastCommitted).toBe(0);
  expect(await batch.write()).toEqual({ sequence: 1 });
  expect(batch.length).toBe(0);
  expect(numbers.count()).toBe(89);
  expect(numbers.has(3)).toBe(false);
  expect(numbers.get(99)).toEqual({ n: 99 });

  batch.put(db.defaultFamily, 'b', '2').reset();
  expect(batch.length).toBe(0);
  batch.clear(numbers).put(numbers, 1, { n: -1 });
  const [first, second] = [batch.write(), db.batch().delete(numbers, 1).write()];
  expect((await first).sequence).toBe(2);
  expect((await second).sequence).toBe(3);
  expect(() => batch.put(numbers, 'x' as never, { n: 1 })).not.toThrow();
  expect(() => batch.put(numbers, Number.NaN, { n: 1 })).toThrow(TypeError);
  expect(() => batch.put({} as ColumnFamily, 'x', '')).toThrow(TypeError);
  expect(batch.length).toBe(1);
  await db.close();
  const again = await openSmall(path);
  expect(again.columnFamilies()).toEqual(['default', 'numbers']);
  expect(again.count()).toBe(1);
});

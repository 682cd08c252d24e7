/**
 * Iterators: one state from the first step to the last, given back at the end whichever way the
 * walk ends.
 */
import type { Database } from '@manifold-db/core';
import { expect } from 'vitest';
import { databasePath, openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

const KEYS = 1500;

function name(at: number): string {
  return `k${String(at).padStart(5, '0')}`;
}

async function openFilled(): Promise<Database> {
  const db = await openSmall();
  await db.write((tx) => {
    for (let at = 0; at < KEYS; at++) tx.put(db.defaultFamily, name(at), `old ${at}`);
  });
  return db;
}

const EXPECTED = Array.from({ length: KEYS }, (_, at) => [name(at), `old ${at}`]);

inBuildModes('writing while iterating changes nothing of what it shows', async () => {
  const db = await openFilled();
  const seen: [string, string][] = [];
  for (const [key, value] of db.entries()) {
    seen.push([key, value]);
    if (seen.length % 3 === 0) void db.put(key, 'new');
    if (seen.length % 3 === 1) void db.delete(name(seen.length + 100));
    if (seen.length % 50 === 0) void db.put(`${key}+`, 'inserted ahead');
    if (seen.length === 700) await db.clear();
    if (seen.length === 900) await db.checkpoint();
    if (seen.length === 1000) await db.dropColumnFamily('default');
  }
  expect(seen).toEqual(EXPECTED);
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

inBuildModes('for await shows the same, in turns of the event loop', async () => {
  const db = await openFilled();
  const seen: [string, string][] = [];
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  for await (const entry of db.entries()) {
    seen.push(entry);
    if (seen.length === 1) await db.clear();
  }
  clearInterval(timer);
  expect(seen).toEqual(EXPECTED);
  expect(turns).toBeGreaterThan(0);
  expect(db.stats().oldestSnapshot).toBeUndefined();

  const walk = db.entries({ reverse: true })[Symbol.asyncIterator]();
  expect(await walk.next()).toEqual({ value: undefined, done: true });
  await db.put('a', '1');
  const steps = db.keys()[Symbol.asyncIterator]();
  // Asked for before the last has resolved: still one after another.
  expect(await Promise.all([steps.next(), steps.next(), steps.next()])).toEqual([
    { value: 'a', done: false },
    { value: undefined, done: true },
    { value: undefined, done: true },
  ]);
});

inBuildModes('it shows the state of the moment it was made, not of the first step', async () => {
  const db = await openSmall();
  await db.put('a', '1');
  const walk = db.entries();
  await db.put('a', '2');
  await db.put('b', '3');
  expect([...walk]).toEqual([['a', '1']]);
});

inBuildModes('break, return, throw, close, dispose and the end give the state back', async () => {
  const db = await openFilled();
  const isPinned = (): boolean => db.stats().oldestSnapshot !== undefined;
  for (const _key of db.keys()) {
    expect(isPinned()).toBe(true);
    break;
  }
  expect(isPinned()).toBe(false);
  const returning = (): string | undefined => {
    for (const key of db.keys()) return key;
    return undefined;
  };
  expect(returning()).toBe(name(0));
  expect(isPinned()).toBe(false);
  expect(() => {
    for (const key of db.keys()) throw new Error(key);
  }).toThrow(name(0));
  expect(isPinned()).toBe(false);
  for await (const _key of db.keys()) break;
  expect(isPinned()).toBe(false);
  const failing = async (): Promise<void> => {
    for await (const key of db.keys()) throw new Error(key);
  };
  await expect(failing()).rejects.toThrow(name(0));
  expect(isPinned()).toBe(false);

  const walk = db.keys();
  walk.next();
  expect(isPinned()).toBe(true);
  expect(walk.return()).toEqual({ value: undefined, done: true });
  expect(isPinned()).toBe(false);
  expect(walk.next()).toEqual({ value: undefined, done: true });
  const disposed = db.keys();
  disposed[Symbol.dispose]();
  disposed.close();
  expect(isPinned()).toBe(false);
  const limited = db.keys({ limit: 2 });
  expect([...limited]).toHaveLength(2);
  const [first] = db.values();
  expect(first).toBe('old 0');
  expect(isPinned()).toBe(false);
});

inBuildModes('a codec that throws ends the walk and gives the state back', async () => {
  const db = await openSmall();
  await db.columnFamily('family').put('a', 'not json');
  const family = db.columnFamily<string, unknown>('family', { valueEncoding: 'json' });
  expect(() => [...family.values()]).toThrow(SyntaxError);
  expect(() => family.get('a')).toThrow(SyntaxError);
  await expect(family.getAsync('a')).rejects.toThrow(SyntaxError);
  expect(db.stats().oldestSnapshot).toBeUndefined();
  expect([...family.keys()]).toEqual(['a']);
  // A codec may use the database itself.
  const counting = db.columnFamily<string, number>('family', {
    valueEncoding: { encode: String, decode: (bytes) => bytes.length + db.count() },
  });
  await db.put('x', 'y');
  expect(counting.get('a')).toBe(9);
  expect([...counting.values()]).toEqual([9]);
});

inBuildModes('many iterators at once, each on its own state, some never finished', async () => {
  const db = await openSmall(databasePath());
  const walks: { walk: Iterator<string>; expected: number }[] = [];
  for (let round = 0; round < 40; round++) {
    await db.put(name(round), 'x'.repeat(500));
    const walk = db.keys()[Symbol.iterator]();
    walk.next();
    walks.push({ walk, expected: round });
    // Left open: closing the database must not mind.
    db.values().next();
  }
  for (const { walk, expected } of walks.reverse()) {
    let left = 0;
    while (walk.next().done !== true) left++;
    expect(left).toBe(expected);
  }
  await db.close();
});

inBuildModes('seek goes both ways and limit goes on counting', async () => {
  const db = await openFilled();
  const walk = db.keys({ gte: name(10), lt: name(1000), limit: 6 });
  expect(walk.next().value).toBe(name(10));
  expect(walk.seek(name(500)).next().value).toBe(name(500));
  expect(walk.seek(`${name(20)}+`).next().value).toBe(name(21));
  expect(walk.seek('a').next().value).toBe(name(10));
  expect(walk.next().value).toBe(name(11));
  expect(walk.seek(name(998)).next().value).toBe(name(998));
  expect(walk.next().done).toBe(true);
  const back = db.keys({ reverse: true, gte: name(10), lt: name(1000) });
  expect(back.seek(name(2000)).next().value).toBe(name(999));
  expect(back.seek(name(500)).next().value).toBe(name(500));
  expect(back.next().value).toBe(name(499));
  expect(back.seek(name(9)).next().done).toBe(true);
  // The end has closed it.
  expect(back.seek(name(500)).next().done).toBe(true);
  expect(() => db.keys().seek(3 as never)).toThrow(TypeError);
});

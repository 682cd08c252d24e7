/**
 * Code of the caller's that runs while a key or a value is encoded: a codec, an accessor in a key.
 * It may call anything, and the operation around it still does what it says.
 */
import type { ColumnFamily, OrderedKey, WriteTransaction } from '@manifold-db/core';
import { expect } from 'vitest';
import { databasePath, expectThrownCode, openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

const KEY = ['abcdefgh', 'zzzzzzzzzzzzzzzz'];

/** `KEY`, calling `call` when its second element is read. */
function keyCalling(call: () => unknown): OrderedKey[] {
  const key: OrderedKey[] = [...KEY];
  return Object.defineProperty(key, 1, {
    get: () => {
      call();
      return KEY[1];
    },
  });
}

/** Stores text; calls `call` while it is encoded. */
interface Calling {
  readonly text: string;
  readonly call?: () => unknown;
}

const codec = {
  encode: ({ text, call }: Calling) => {
    call?.();
    return text;
  },
  decode: (bytes: Uint8Array): Calling => ({ text: Buffer.from(bytes).toString() }),
};

inBuildModes('an accessor in a key may read', async () => {
  const db = await openSmall();
  const family = db.columnFamily<OrderedKey, string>('family', { keyEncoding: 'ordered' });
  await family.put(KEY, 'right');
  await family.put(['x', 1], 'other');
  const reading = keyCalling(() => family.get(['QQQQQQQQQQQQ', 5]));
  expect(family.get(reading)).toBe('right');
  expect(family.get(reading, { consistency: 'latest' })).toBe('right');
  expect(family.has(reading)).toBe(true);
  expect(family.has(reading, {})).toBe(true);
  expect(family.getMany([reading, ['x', 1]])).toEqual(['right', 'other']);
  expect(await family.getAsync(reading)).toBe('right');
  expect([...family.keys({ gte: reading, lte: reading })]).toEqual([KEY]);
  const walk = family.values();
  expect(walk.seek(reading).next().value).toBe('right');
  walk.close();
});

inBuildModes('an accessor in a key may write', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const options = { keyEncoding: 'ordered' } as const;
  const family = db.columnFamily<OrderedKey, string>('family', options);
  let inner: Promise<unknown> | undefined;
  await family.put(
    keyCalling(() => (inner = family.put(['n', 1], 'inner'))),
    'outer',
  );
  await inner;
  const expected: [OrderedKey, string][] = [
    [KEY, 'outer'],
    [['n', 1], 'inner'],
  ];
  expect([...family.entries()]).toEqual(expected);
  await db.write((tx) => {
    const put = () => tx.put(family, ['o', 2], 'a value longer than the one around it');
    tx.put(family, keyCalling(put), 'outer again');
    tx.delete(family, ['o', 2]);
    tx.delete(
      family,
      keyCalling(() => tx.put(family, ['p', 3], 'inner')),
    );
    tx.put(
      family,
      keyCalling(() => tx.delete(family, ['q'.repeat(40)])),
      'last',
    );
  });
  await family.delete(keyCalling(() => (inner = family.put(['r', 4], 'inner'))));
  await inner;
  const after = [...expected.slice(1), [['p', 3], 'inner'], [['r', 4], 'inner']];
  expect([...family.entries()]).toEqual(after);
  await db.close();
  const again = (await openSmall(path)).columnFamily<OrderedKey, string>('family', options);
  expect([...again.entries()]).toEqual(after);
});

inBuildModes('a codec may go back to a savepoint, behind the creation of its family', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const family = db.columnFamily<string, Calling>('family', { valueEncoding: codec });
  const goingBack = (tx: WriteTransaction, key: string): void => {
    const savepoint = tx.savepoint();
    tx.put(family, 'undone', { text: '0' });
    tx.put(family, key, { text: key, call: () => tx.rollbackTo(savepoint) });
  };
  await db.write((tx) => goingBack(tx, 'a'));
  await db.write((tx) => goingBack(tx, 'b'));
  await db.transaction(async (tx) => goingBack(tx, 'c'));
  const values = ['a', 'b', 'c'];
  expect([...family.keys()]).toEqual(values);
  await db.close();
  const again = (await openSmall(path)).columnFamily('family');
  expect([...again.values()]).toEqual(values);
});

inBuildModes('a codec may write, also in the middle of the creation of its family', async () => {
  const db = await openSmall();
  const family = db.columnFamily<string, Calling>('family', { valueEncoding: codec });
  await db.write((tx) => {
    const put = () => tx.put(family, 'inner', { text: '1' });
    tx.put(family, 'outer', { text: '2', call: put });
  });
  let single: Promise<unknown> | undefined;
  await family.put('x', { text: '3', call: () => (single = family.put('y', { text: '4' })) });
  await single;
  const texts = Array.from(family.entries(), ([key, { text }]) => key + text);
  expect(texts).toEqual(['inner1', 'outer2', 'x3', 'y4']);
});

inBuildModes('a codec may close the database: its own write is refused', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const family = db.columnFamily<string, Calling>('family', { valueEncoding: codec });
  let closed: Promise<void> | undefined;
  const written = family.put('a', { text: '1', call: () => (closed = db.close()) });
  await expect(written).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
  await closed;
  expectThrownCode(() => family.get('a'), 'ERR_MANIFOLD_CLOSED');
  expect((await openSmall(path)).columnFamilies()).toEqual(['default']);
});

inBuildModes('a msgpack value that packs another one is refused', async () => {
  const db = await openSmall();
  const family: ColumnFamily<string, unknown> = db.columnFamily('family', {
    valueEncoding: 'msgpack',
  });
  let inner: Promise<unknown> | undefined;
  const value = {
    before: 1,
    get nested() {
      inner = family.put('inner', { other: 'x'.repeat(20) });
      return 2;
    },
  };
  expect(() => family.put('outer', value)).toThrow(TypeError);
  expect(inner).toBe(undefined);
  await family.put('later', { before: 1 });
  expect([...family.entries()]).toEqual([['later', { before: 1 }]]);
});

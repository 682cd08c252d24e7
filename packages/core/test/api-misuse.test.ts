/**
 * Keys and values at their limits and beyond: stored exactly, or refused at once with an error that
 * names argument and limit. Nothing is written by a refused call.
 */
import type { ColumnFamily, Database, Range } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { MIB, databasePath, openSmall } from './support/api-database.js';
import { inBuildModes, inModes } from './support/modes.js';

const KEY_MAX = 1024;

function bytesFamily(db: Database): ColumnFamily<Uint8Array, Uint8Array> {
  return db.columnFamily<Uint8Array, Uint8Array>('bytes', {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
}

inBuildModes(
  'keys at the limit round-trip, those over it are a RangeError that names it',
  async () => {
    const path = databasePath();
    const db = await openSmall(path);
    const bytes = bytesFamily(db);
    const longest = ['k'.repeat(KEY_MAX), 'é'.repeat(KEY_MAX / 2), '😀'.repeat(KEY_MAX / 4)];
    for (const key of longest) await db.put(key, `value of ${key}`);
    await bytes.put(new Uint8Array(KEY_MAX).fill(255), Buffer.from('v'));
    for (const key of [
      ...longest.map((text) => `${text}x`),
      'é'.repeat(KEY_MAX),
      'x'.repeat(1e6),
    ]) {
      const calls: (() => unknown)[] = [
        () => db.put(key, 'v'),
        () => db.put(key, 'v', { ifAbsent: true }),
        () => db.delete(key),
        () => db.get(key),
        () => db.getAsync(key),
        () => db.has(key),
        () => db.getMany([key]),
        () => db.entries({ gte: key }),
        () => db.clear({ lt: key }),
        () => db.batch().put(db.defaultFamily, key, 'v'),
        () => db.writeSync((tx) => tx.put(db.defaultFamily, key, 'v')),
      ];
      for (const call of calls) {
        expect(call).toThrow(RangeError);
        expect(call).toThrow(/at most 1024 bytes/);
      }
    }
    expect(() => bytes.put(new Uint8Array(KEY_MAX + 1), new Uint8Array(0))).toThrow(/key.*1024/);
    for (const call of [
      () => db.put('', 'v'),
      () => db.get(''),
      () => bytes.get(new Uint8Array(0)),
    ]) {
      expect(call).toThrow(/key must not be empty/);
    }
    expect(db.lastCommitted).toBe(longest.length + 1);
    await db.close();
    const again = await openSmall(path);
    expect(again.getMany(longest)).toEqual(longest.map((key) => `value of ${key}`));
    expect([...bytesFamily(again).keys()]).toEqual([Buffer.alloc(KEY_MAX, 255)]);
  },
);

inBuildModes('wrong types are a TypeError that names the argument', async () => {
  const db = await openSmall();
  const bytes = bytesFamily(db);
  const wrong = [undefined, null, 1, true, {}, [], Symbol('s'), Buffer.from('a'), 1n];
  for (const value of wrong as string[]) {
    expect(() => db.put(value, 'v')).toThrow(/^key must be a string/);
    expect(() => db.put('k', value)).toThrow(/^value must be a string/);
    expect(() => db.get(value)).toThrow(TypeError);
    expect(() => db.delete(value)).toThrow(TypeError);
    expect(() => db.getMany([value])).toThrow(TypeError);
  }
  for (const value of ['a', 1, null, undefined, {}, new ArrayBuffer(4), new Float64Array(2)]) {
    expect(() => bytes.put(value as Buffer, Buffer.from('v'))).toThrow(/^key must be a Uint8Array/);
    expect(() => bytes.put(Buffer.from('k'), value as Buffer)).toThrow(
      /^value must be a Uint8Array/,
    );
  }
  const json = db.columnFamily<string, unknown>('json', { valueEncoding: 'json' });
  for (const value of [undefined, () => 1, Symbol('s')]) {
    expect(() => json.put('k', value)).toThrow(TypeError);
  }
  expect(() => json.put('k', 1n)).toThrow(TypeError);
  const circular: { self?: unknown } = {};
  circular.self = circular;
  expect(() => json.put('k', circular)).toThrow(TypeError);
  const ordered = db.columnFamily<never, string>('ordered', { keyEncoding: 'ordered' as never });
  for (const key of [Number.NaN, null, 1n, undefined, {}, [null], [[Number.NaN]]]) {
    expect(() => ordered.put(key as never, 'v')).toThrow(TypeError);
  }
  expect(db.lastCommitted).toBe(0);
  expect(db.columnFamilies()).toEqual(['default']);
});

inBuildModes('lone surrogates are refused, NUL bytes and empty values are stored', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  for (const text of ['\ud800', 'a\udc00b', '\udfff\ud800']) {
    expect(() => db.put(text, 'v')).toThrow(/^key must be well-formed/);
    expect(() => db.put('k', text)).toThrow(/^value must be well-formed/);
    expect(() => db.get(text)).toThrow(TypeError);
  }
  const entries = ['\0', '\0\0', 'a\0', 'a\0b', 'a']
    .sort()
    .map((key) => [key, `${key}\0`] as const);
  for (const [key, value] of entries) await db.put(key, value);
  await db.put('empty', '');
  const bytes = bytesFamily(db);
  await bytes.put(Buffer.from([0]), Buffer.alloc(0));
  await db.close();
  const again = await openSmall(path);
  expect([...again.entries({ lt: 'e' })]).toEqual(entries);
  expect(again.get('empty')).toBe('');
  expect(again.has('empty')).toBe(true);
  expect([...bytesFamily(again).entries()]).toEqual([[Buffer.from([0]), Buffer.alloc(0)]]);
});

inBuildModes(
  'detached and shrunk buffers are refused, views and shared memory are stored exactly',
  async () => {
    const db = await openSmall();
    const bytes = bytesFamily(db);
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(() => bytes.put(detached, Buffer.from('v'))).toThrow(TypeError);
    expect(() => bytes.put(Buffer.from('k'), detached)).toThrow(/^value is a view of detached/);
    const shrinking = new ArrayBuffer(16, { maxByteLength: 16 });
    const shrunk = new Uint8Array(shrinking, 8, 8);
    shrinking.resize(4);
    expect(() => bytes.put(Buffer.from('k'), shrunk)).toThrow(TypeError);

    const shared = new Uint8Array(new SharedArrayBuffer(2000), 100, 1200).fill(7);
    await bytes.put(shared.subarray(0, 3), shared);
    const view = new Uint8Array(Uint8Array.of(9, 1, 2, 9).buffer, 1, 2);
    await bytes.put(view, view);
    const content = [...bytes.entries()];
    expect(content).toEqual([
      [Buffer.from([1, 2]), Buffer.from([1, 2])],
      [Buffer.from([7, 7, 7]), Buffer.alloc(1200, 7)],
    ]);
    expect(content[1]![1].buffer).not.toBeInstanceOf(SharedArrayBuffer);
  },
);

it('what the caller does to a buffer after the call changes nothing, also while puts wait', async () => {
  const db = await openSmall(databasePath(), { mode: 'sequential' });
  const bytes = bytesFamily(db);
  const key = Buffer.from('key-0');
  const value = Buffer.alloc(300);
  const commits: Promise<unknown>[] = [];
  const batch = db.batch();
  for (let at = 0; at < 9; at++) {
    key[4] = 0x30 + at;
    value.fill(at);
    commits.push(bytes.put(key, value));
    batch.put(bytes, Buffer.concat([key, Buffer.from('b')]), value);
    key.fill(0xee, 4);
    value.fill(0xee);
  }
  commits.push(batch.write());
  await Promise.all(commits);
  const expected = Array.from({ length: 9 }, (_, at) => [
    [Buffer.from(`key-${at}`), Buffer.alloc(300, at)],
    [Buffer.from(`key-${at}b`), Buffer.alloc(300, at)],
  ]).flat();
  expect([...bytes.entries()]).toEqual(expected);
  const read = bytes.get(Buffer.from('key-3'))!;
  read.fill(1);
  expect(bytes.get(Buffer.from('key-3'))).toEqual(Buffer.alloc(300, 3));
});

inBuildModes('wrong ranges and options of calls are refused, misspelt ones too', async () => {
  const db = await openSmall();
  await db.put('a', '1');
  const ranges: unknown[] = [
    { gt: 'a', gte: 'a' },
    { lt: 'a', lte: 'a' },
    { prefix: 'a', gt: 'a' },
    { gt: 3 },
    { from: 'a' },
    { reverse: 'yes' },
    { limit: '1' },
    [],
    'a',
    null,
  ];
  for (const range of ranges) {
    const call = (): unknown => db.entries(range as Range<string>);
    expect(call, JSON.stringify(range)).toThrow(TypeError);
    expect(() => db.count(range as Range<string>), JSON.stringify(range)).toThrow(TypeError);
  }
  for (const limit of [-1, 1.5, Number.NaN])
    expect(() => db.entries({ limit })).toThrow(RangeError);
  expect(() => db.clear({ limit: 1 } as object)).toThrow(TypeError);
  expect(() => db.put('a', '1', { sync: true } as object)).toThrow(TypeError);
  expect(() => db.put('a', '1', { ifAbsent: true, ifValue: 'x' })).toThrow(TypeError);
  expect(() => db.delete('a', { durability: 'never' as 'none' })).toThrow(RangeError);
  expect(() => db.get('a', { consistency: 'old' as 'synced' })).toThrow(RangeError);
  expect(() => db.get('a', { snapshot: {} as never })).toThrow(TypeError);
  expect(() => db.get('a', { snapsot: db.snapshot() } as object)).toThrow(/snapsot/);
  expect(() => db.columnFamily('a', null as never)).toThrow(/options must be an object, not null/);
  const misspelt = { valueEncodng: 'json' } as never;
  expect(() => db.columnFamily('a', misspelt)).toThrow(/options\.valueEncodng is not an option/);
  expect(() => db.getMany('a' as never)).toThrow(TypeError);
  const inside = () => db.writeSync((tx) => tx.getMany(db.defaultFamily, 1 as never));
  expect(inside).toThrow('keys must be an array of keys');
  expect(() => db.write('a' as never)).toThrow(/build must be a function/);
  expect(() => db.transaction(3 as never)).toThrow(/body must be a function/);
  expect(() => db.transaction(async () => {}, { retries: -1 })).toThrow(RangeError);
  for (const wait of [db.waitForSync.bind(db), db.waitForApply.bind(db)]) {
    expect(() => wait(-1)).toThrow(RangeError);
    expect(() => wait(1.5)).toThrow(RangeError);
    expect(() => wait(1, { signal: 3 as never })).toThrow(TypeError);
  }
  expect(() => db.getAsync(5 as never)).toThrow(TypeError);
  expect(() => db.getAsync('a', { snapsot: 1 } as object)).toThrow(/snapsot/);
  expect(() => db.getAsync('a', { snapshot: {} as never })).toThrow(TypeError);
  expect(() => db.getAsync('a', { consistency: 'old' as 'synced' })).toThrow(RangeError);
  expect(() => db.verify(5 as never)).toThrow(TypeError);
  expect(() => db.backup(5 as never)).toThrow(TypeError);
  expect(() => db.backup('x', { signal: 5 as never })).toThrow(TypeError);
  expect(db.lastCommitted).toBe(1);
});

inModes('misuse is thrown whether or not earlier writes wait', async () => {
  const db = await openSmall();
  const failing = db.columnFamily<string, string>('failing', {
    valueEncoding: {
      encode: () => {
        throw new Error('of the codec');
      },
      decode: String,
    },
  });
  const tooLarge = 'x'.repeat(6 * MIB);
  const calls: (() => unknown)[] = [
    () => db.put('a', tooLarge),
    () => db.put('a', tooLarge, { durability: 'none' }),
    () => db.put('a', tooLarge, { ifAbsent: true }),
  ];
  const check = (): void => {
    for (const call of calls) expect(call).toThrow(/half of walBytesMax/);
    expect(() => failing.put('a', '1')).toThrow('of the codec');
    expect(() => failing.put('a', '1', { ifAbsent: true })).toThrow('of the codec');
  };
  check();
  let waiting: Promise<unknown> | undefined;
  await db.write((tx) => {
    waiting = db.put('b', '2');
    // What is called inside a build waits for its end.
    check();
    tx.put(db.defaultFamily, 'c', '3');
  });
  await waiting;
  expect([...db.keys()]).toEqual(['b', 'c']);
  expect(db.columnFamilies()).toEqual(['default']);
});

inBuildModes('a condition whose value is undefined is refused', async () => {
  const db = await openSmall();
  const condition = { ifValue: db.get('missing') } as { ifValue: string };
  expect(() => db.put('missing', '1', condition)).toThrow(/ifValue.*ifAbsent/);
  expect(() => db.writeSync((tx) => tx.put(db.defaultFamily, 'missing', '1', condition))).toThrow(
    TypeError,
  );
  expect(db.has('missing')).toBe(false);
});

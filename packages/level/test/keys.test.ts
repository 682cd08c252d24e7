/**
 * Every key and bound of abstract-level has its place: empty keys, keys that begin with a NUL, long
 * ones, bytes that are no text. The order is that of the bytes the user sees.
 */
import { open } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { SMALL, freshPath, level, rejectionOf } from './support/databases.js';

const BYTES = { keyEncoding: 'buffer' } as const;
const KEY_BYTES_MAX = 1024;
const key = (...bytes: number[]): Buffer => Buffer.from(bytes);

describe('keys', () => {
  const inOrder = [key(), key(0), key(0, 0), key(0, 0xff), key(1), key(0x61), key(0xff)];

  it('are kept apart and in order, also empty ones and those that begin with a NUL', async () => {
    const db = level<Buffer, string>(freshPath(), BYTES);
    await db.batch(
      inOrder.toReversed().map((k) => ({ type: 'put', key: k, value: k.toString('hex') })),
    );
    expect(await db.keys().all()).toEqual(inOrder);
    expect(await db.values({ reverse: true }).all()).toEqual(
      inOrder.toReversed().map((k) => k.toString('hex')),
    );
    for (const [index, k] of inOrder.entries()) {
      expect(await db.get(k)).toBe(k.toString('hex'));
      expect(await db.keys({ gte: k }).all()).toEqual(inOrder.slice(index));
      expect(await db.keys({ gt: k }).all()).toEqual(inOrder.slice(index + 1));
      expect(await db.keys({ lt: k }).all()).toEqual(inOrder.slice(0, index));
      expect(await db.keys({ lte: k }).all()).toEqual(inOrder.slice(0, index + 1));
    }
    await db.del(key());
    expect(await db.keys().all()).toEqual(inOrder.slice(1));
  });

  it('stand in the default family as they are, for other tools', async () => {
    const path = freshPath();
    const db = level(path);
    await db.batch([
      { type: 'put', key: 'ada', value: 'Ada' },
      { type: 'put', key: '', value: 'nobody' },
    ]);
    await db.close();
    await using engine = await open(path, SMALL);
    expect([...engine.entries()]).toEqual([
      ['\0', 'nobody'],
      ['ada', 'Ada'],
    ]);
  });

  it('with lone surrogates become what Buffer makes of them', async () => {
    const db = level();
    await db.put('a\ud800', 'b\udc00');
    expect(await db.keys().all()).toEqual([Buffer.from('a\ud800').toString()]);
    expect(await db.get('a\ud800')).toBe('b\ufffd');
    expect(await db.get('a\ufffd')).toBe('b\ufffd');
  });

  it('that are too long are refused, and reading them finds nothing', async () => {
    const db = level();
    const longest = 'é'.repeat(KEY_BYTES_MAX / 2);
    const tooLong = `${longest}x`;
    await db.put(longest, 'kept');
    for (const put of [
      db.put(tooLong, 'v'),
      db.batch([{ type: 'put', key: tooLong, value: 'v' }]),
      db.put(`\0${'x'.repeat(KEY_BYTES_MAX - 1)}`, 'v'),
    ]) {
      expect((await rejectionOf(put)).code).toBe('LEVEL_INVALID_KEY');
    }
    expect(await db.get(tooLong)).toBeUndefined();
    expect(db.getSync(tooLong)).toBeUndefined();
    expect(await db.getMany([tooLong, longest])).toEqual([undefined, 'kept']);
    expect(await db.hasMany([tooLong, longest])).toEqual([false, true]);
    await db.del(tooLong);
    await db.batch([{ type: 'del', key: tooLong }]);
    expect(await db.keys().all()).toEqual([longest]);
  });
});

describe('bounds and targets that are longer than any key', () => {
  const cut = 'm'.repeat(KEY_BYTES_MAX);
  const long = `${cut}m`;
  const all = ['a', cut, 'n'];

  it('fall between the keys', async () => {
    const db = level();
    await db.batch(all.map((k) => ({ type: 'put', key: k, value: '' })));
    for (const low of ['gt', 'gte']) {
      expect(await db.keys({ [low]: long }).all()).toEqual(['n']);
    }
    for (const high of ['lt', 'lte']) {
      expect(await db.keys({ [high]: long, reverse: true }).all()).toEqual([cut, 'a']);
    }
    const forwards = db.keys();
    forwards.seek(long);
    expect(await forwards.all()).toEqual(['n']);
    const backwards = db.keys({ reverse: true });
    backwards.seek(long);
    expect(await backwards.all()).toEqual([cut, 'a']);
    await db.clear({ gt: long });
    expect(await db.keys().all()).toEqual(['a', cut]);
  });

  it('are at the end when nothing is greater', async () => {
    const db = level<Buffer, string>(freshPath(), BYTES);
    const greatest = Buffer.alloc(KEY_BYTES_MAX, 0xff);
    await db.put(greatest, '');
    const keys = db.keys();
    keys.seek(Buffer.alloc(KEY_BYTES_MAX + 1, 0xff));
    expect(await keys.next()).toBeUndefined();
    keys.seek(greatest);
    expect(await keys.next()).toEqual(greatest);
    await keys.close();
  });
});

describe('seek', () => {
  it('goes back after the end, in the state of the iterator', async () => {
    const db = level();
    await db.open();
    await db.batch().put('a', '1').put('b', '2').write();
    const iterator = db.iterator({ limit: 5 });
    expect(await iterator.nextv(10)).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
    await db.put('c', '3');
    iterator.seek('b');
    expect(await iterator.next()).toEqual(['b', '2']);
    expect(await iterator.next()).toBeUndefined();
    iterator.seek('a');
    expect(await iterator.nextv(10)).toHaveLength(2);
    await iterator.close();
  });

  it('takes bytes that are no text on an iterator over text', async () => {
    const db = level();
    await db.open();
    await db.batch().put('a', '1').put('é', '2').put('z', '3').write();
    const keys = db.keys({ gt: 'a' });
    expect(await keys.next()).toBe('z');
    keys.seek(key(0xc3, 0x00), BYTES as object);
    expect(await keys.next()).toBe('é');
    keys.seek('z');
    expect(await keys.nextv(2)).toEqual(['z', 'é']);
    await keys.close();
  });
});

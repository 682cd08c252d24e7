/** Point reads over a tree in memory. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bufferKeys,
  bufferValues,
  keyEncodingOf,
  utf8Keys,
  utf8Values,
  valueEncodingOf,
} from '../encoding/index.js';
import type { KeyRange } from '../types.js';
import type { FamilyCodec } from './context.js';
import { countRange, hasKey, readMany, readRaw, readValue } from './point.js';
import { TestTree } from './test-tree.js';
import { FamilyView } from './view.js';

const texts = { key: utf8Keys, value: utf8Values };
const bytes = { key: utf8Keys, value: bufferValues };

function codecOf<K, V>(key: string, value: unknown): FamilyCodec<K, V> {
  return { key: keyEncodingOf(key), value: valueEncodingOf(value) } as unknown as FamilyCodec<K, V>;
}

/** Keys `0000`, `0001` ...; every third value is an overflow value. */
function someTexts(count: number): [string, string][] {
  return Array.from({ length: count }, (_, i) => [
    String(i).padStart(4, '0'),
    `${i}:`.repeat(i % 3 === 0 ? 2000 : i % 40),
  ]);
}

describe('readValue', () => {
  it('finds what is there, in pages and in overflow pages, and nothing else', () => {
    const tree = new TestTree();
    const entries = someTexts(500);
    tree.putAll(texts, entries);
    for (const [key, value] of entries) {
      expect(readValue(tree, texts, tree.view, key)).toBe(value);
      expect(hasKey(tree, texts, tree.view, key)).toBe(true);
      expect(readValue(tree, texts, tree.view, `${key}x`)).toBeUndefined();
      expect(hasKey(tree, texts, tree.view, `${key}x`)).toBe(false);
    }
    expect(tree.isOpen).toBe(false);
    expect(readValue(tree, texts, () => new FamilyView(), '0001')).toBeUndefined();
    expect(readMany(tree, texts, () => new FamilyView(), ['0001', 'x'])).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('decodes every built-in encoding, inline and overflow', () => {
    const tree = new TestTree();
    const long = 'äöü'.repeat(1500);
    const cases: [string, unknown][] = [
      ['utf8', ['', 'plain', 'é€😀', long]],
      [
        'buffer',
        [Buffer.alloc(0), Buffer.of(0, 1, 2), Buffer.alloc(700, 7), Buffer.alloc(9000, 9)],
      ],
      ['json', [null, 0, { a: [1, 'é'] }, long]],
      ['msgpack', [null, 0, { a: [1, 'é'] }, long, new Map([[1, 2]]), 2n ** 70n]],
    ];
    for (const [encoding, values] of cases) {
      const codec = codecOf<(string | number)[], unknown>('ordered', encoding);
      const entries = (values as unknown[]).map((v, i): [(string | number)[], unknown] => [
        [encoding, i],
        v,
      ]);
      tree.putAll(codec, entries);
      for (const [key, value] of entries) {
        expect(readValue(tree, codec, tree.view, [...key])).toEqual(value);
      }
      const keys = entries.map(([key]) => [...key]);
      expect(readMany(tree, codec, tree.view, keys)).toEqual(values);
    }
  });

  it('gives Buffers that nobody else has', () => {
    const tree = new TestTree();
    const entries = Array.from(
      { length: 60 },
      (_, i) => [`k${i}`, Buffer.alloc(i * 37, i)] as const,
    );
    tree.putAll(bytes, entries);
    const read = entries.map(([key]) => readValue(tree, bytes, tree.view, key)!);
    const raw = entries.map(([key]) => {
      const keyBytes = Buffer.from(key);
      return readRaw(tree, tree.view(), keyBytes, keyBytes.length)!;
    });
    for (const copy of read) copy.fill(0xee);
    for (const copy of raw) copy.fill(0xdd);
    for (const [key, value] of entries) {
      const again = readValue(tree, bytes, tree.view, key);
      expect(Buffer.isBuffer(again)).toBe(true);
      expect(again).toEqual(value);
    }
    expect(read.every((copy) => copy.every((byte) => byte === 0xee))).toBe(true);
    expect(raw.every((copy) => copy.every((byte) => byte === 0xdd))).toBe(true);
    expect(readRaw(tree, tree.view(), Buffer.from('none'), 4)).toBeUndefined();
  });

  it('keeps the memory of pooled values from being transferred away', () => {
    const tree = new TestTree();
    tree.putAll(bytes, [['a', Buffer.from('aaa')]]);
    const value = readValue(tree, bytes, tree.view, 'a') as Buffer;
    try {
      structuredClone(value, { transfer: [value.buffer as ArrayBuffer] });
    } catch (error) {
      // Newer versions of Node refuse instead of copying.
      expect((error as Error).name).toBe('DataCloneError');
    }
    expect(value.toString()).toBe('aaa');
    expect(String(readValue(tree, bytes, tree.view, 'a'))).toBe('aaa');
  });

  it('runs codecs of the user outside of the operation, and they may read', () => {
    const tree = new TestTree();
    let calls = 0;
    const decode = (copy: Buffer): string => {
      calls++;
      expect(tree.isOpen).toBe(false);
      copy.fill(0x2a, 0, 1);
      return `${copy.toString()} ${readValue(tree, texts, tree.view, 'b')}`;
    };
    const codec = codecOf<string, string>('utf8', { encode: (text: string) => text, decode });
    tree.putAll(texts, [
      ['a', 'first'],
      ['b', 'second'],
    ]);
    expect(readValue(tree, codec, tree.view, 'a')).toBe('*irst second');
    expect(readMany(tree, codec, tree.view, ['b', 'c', 'a'])).toEqual([
      '*econd second',
      undefined,
      '*irst second',
    ]);
    expect(calls).toBe(3);
    expect(readValue(tree, texts, tree.view, 'a')).toBe('first');
  });

  it('closes the operation whatever happens', () => {
    const tree = new TestTree();
    tree.putAll(texts, someTexts(2000));
    expect(() => readValue(tree, texts, tree.view, '')).toThrow(RangeError);
    expect(() => readMany(tree, texts, tree.view, ['a', ''])).toThrow(RangeError);
    expect(() => readMany(tree, texts, tree.view, 'a' as never)).toThrow(TypeError);
    expect(tree.isOpen).toBe(false);
    const broken = codecOf<string, unknown>('utf8', 'json');
    expect(() => readValue(tree, broken, tree.view, '0005')).toThrow(SyntaxError);
    expect(() => readMany(tree, broken, tree.view, ['0005'])).toThrow(SyntaxError);
    expect(tree.isOpen).toBe(false);
    const fetch = tree.pager.fetch.bind(tree.pager);
    tree.pager.fetch = () => {
      throw new Error('no page');
    };
    expect(() => readValue(tree, texts, tree.view, '0005')).toThrow('no page');
    expect(() => hasKey(tree, texts, tree.view, '0005')).toThrow('no page');
    expect(() => countRange(tree, texts, tree.view, { gt: '1' })).toThrow('no page');
    expect(tree.isOpen).toBe(false);
    tree.pager.fetch = fetch;
    expect(readValue(tree, texts, tree.view, '0001')).toBe('1:');
  });

  it('leaves an operation open that was open before', () => {
    const tree = new TestTree();
    tree.putAll(texts, someTexts(10));
    const opened = tree.begin();
    expect(readValue(tree, texts, tree.view, '0001')).toBe('1:');
    expect(readMany(tree, texts, tree.view, ['0002'])).toEqual(['2:2:']);
    expect(tree.isOpen).toBe(true);
    tree.end(opened);
  });

  it('refuses once the database is closed', () => {
    const tree = new TestTree();
    tree.putAll(texts, someTexts(10));
    tree.isClosed = true;
    const closed = expect.objectContaining({ code: 'ERR_MANIFOLD_CLOSED' });
    expect(() => readValue(tree, texts, tree.view, '0001')).toThrow(closed);
    expect(() => readMany(tree, texts, tree.view, ['0001'])).toThrow(closed);
    expect(() => hasKey(tree, texts, tree.view, '0001')).toThrow(closed);
    expect(() => countRange(tree, texts, tree.view, undefined)).toThrow(closed);
    expect(tree.isOpen).toBe(false);
  });
});

describe('readMany', () => {
  it('reads thousands of keys in their order, several to an operation', () => {
    const tree = new TestTree();
    const entries = someTexts(1200);
    tree.putAll(texts, entries);
    const keys = entries.map(([key]) => key).reverse();
    const before = tree.operations;
    expect(readMany(tree, texts, tree.view, keys)).toEqual(
      entries.map(([, value]) => value).reverse(),
    );
    expect(tree.operations - before).toBeGreaterThan(1);
    expect(tree.operations - before).toBeLessThan(20);
    expect(readMany(tree, texts, tree.view, [])).toEqual([]);
    const doubled = readMany(tree, bytes, tree.view, ['0001', '0001']) as Buffer[];
    doubled[0]!.fill(0);
    expect(String(doubled[1])).toBe('1:');
  });
});

describe('countRange', () => {
  it('agrees with a filter for any range', () => {
    const tree = new TestTree();
    const codec = { key: bufferKeys, value: bufferValues };
    const keys = Array.from({ length: 700 }, (_, i) => Buffer.of((i * 7) >> 8, (i * 7) & 0xff));
    tree.putAll(
      codec,
      keys.map((key) => [key, key]),
    );
    const bound = fc.uint8Array({ minLength: 1, maxLength: 3 });
    const range = fc.record(
      { gt: bound, lte: bound, reverse: fc.boolean(), limit: fc.nat(900) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(range, (given) => {
        const { gt, lte } = given;
        const inside = keys.filter(
          (key) =>
            (gt === undefined || Buffer.compare(key, gt) > 0) &&
            (lte === undefined || Buffer.compare(key, lte) <= 0),
        );
        const expected = Math.min(inside.length, given.limit ?? Infinity);
        expect(countRange(tree, codec, tree.view, given as KeyRange<Uint8Array>)).toBe(expected);
      }),
      { seed: 7, numRuns: 200 },
    );
    expect(countRange(tree, codec, tree.view, undefined)).toBe(700);
  });
});

/** Iterators over a tree in memory, compared with a sorted array. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  bufferKeys,
  bufferValues,
  utf8Keys,
  utf8Values,
  valueEncodingOf,
} from '../encoding/index.js';
import type { Entries, KeyRange } from '../types.js';
import type { FamilyCodec } from './context.js';
import { createEntries } from './entries.js';
import { TestTree } from './test-tree.js';

const texts = { key: utf8Keys, value: utf8Values };
const bytes = { key: bufferKeys, value: bufferValues };

type Row = readonly [Buffer, Buffer];

/** Few entries, many leaves: keys of up to three bytes, values of all kinds of lengths. */
function mixedRows(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const length = i % 41 === 0 ? 9000 : [0, 3, 60, 100, 900, 17][i % 6]!;
    return [Buffer.of(i >> 7, (i << 1) & 0xff), Buffer.alloc(length, i)] as const;
  });
}

const rows = mixedRows(1500);
let mixed: TestTree;

beforeEach(() => {
  if (mixed === undefined) {
    mixed = new TestTree();
    mixed.putAll(bytes, rows);
  }
  mixed.pins = mixed.releases = 0;
});

type Pair = [Uint8Array, Uint8Array];

function walkRows(range?: KeyRange<Uint8Array>): Entries<Pair, Uint8Array> {
  return createEntries<Uint8Array, Uint8Array, Pair>(mixed, bytes, range, 'entries', mixed.open);
}

/** Index of the first difference, or -1; the matchers are too slow for thousands of Buffers. */
function difference(actual: readonly unknown[], expected: readonly unknown[]): number {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [actual[i], expected[i]];
    if (Array.isArray(a) && Array.isArray(b)) {
      if (difference(a, b) >= 0) return i;
    } else if (!(Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b))) return i;
  }
  return -1;
}

function rowsIn(range: KeyRange<Uint8Array>): Row[] {
  const { gt, gte, lt, lte } = range;
  const inside = rows.filter(
    ([key]) =>
      (gt === undefined || Buffer.compare(key, gt) > 0) &&
      (gte === undefined || Buffer.compare(key, gte) >= 0) &&
      (lt === undefined || Buffer.compare(key, lt) < 0) &&
      (lte === undefined || Buffer.compare(key, lte) <= 0),
  );
  return range.reverse === true ? inside.reverse() : inside;
}

const bound = fc
  .tuple(fc.nat(12), fc.nat(255), fc.boolean())
  .map(([a, b, long]) => (long ? Buffer.of(a, b, 0) : Buffer.of(a, b)));
const rangeOf = fc
  .record(
    {
      low: bound,
      lowKind: fc.constantFrom('gt', 'gte'),
      high: bound,
      highKind: fc.constantFrom('lt', 'lte'),
      reverse: fc.boolean(),
      limit: fc.oneof(fc.nat(20), fc.nat(2000)),
    },
    { requiredKeys: ['lowKind', 'highKind'] },
  )
  .map(({ low, lowKind, high, highKind, ...rest }) => ({
    ...rest,
    ...(low === undefined ? {} : { [lowKind]: low }),
    ...(high === undefined ? {} : { [highKind]: high }),
  })) as fc.Arbitrary<KeyRange<Uint8Array>>;

describe('a walk', () => {
  it('gives what a filter gives, for any range', () => {
    fc.assert(
      fc.property(rangeOf, (range) => {
        const expected = rowsIn(range).slice(0, range.limit ?? rows.length);
        expect(difference([...walkRows(range)], expected)).toBe(-1);
        const { open } = mixed;
        const keys = createEntries<Uint8Array, Uint8Array, Uint8Array>(
          ...([mixed, bytes, range, 'keys', open] as const),
        );
        const expectedKeys = expected.map(([key]) => key);
        expect(difference([...keys], expectedKeys)).toBe(-1);
        const values = createEntries<Uint8Array, Uint8Array, Uint8Array>(
          ...([mixed, bytes, range, 'values', open] as const),
        );
        const expectedValues = expected.map(([, value]) => value);
        expect(difference([...values], expectedValues)).toBe(-1);
      }),
      { seed: 11, numRuns: 150 },
    );
    expect(mixed.releases).toBe(mixed.pins);
    expect(mixed.isOpen).toBe(false);
  });

  it('seeks forward and backward as a model does', () => {
    const step = fc.oneof(
      { weight: 1, arbitrary: fc.record({ seek: bound }) },
      { weight: 2, arbitrary: fc.record({ next: fc.integer({ min: 1, max: 40 }) }) },
    );
    fc.assert(
      fc.property(rangeOf, fc.array(step, { maxLength: 12 }), (range, steps) => {
        const inside = rowsIn(range);
        const sign = range.reverse === true ? -1 : 1;
        const walk = walkRows(range);
        let at = 0;
        let left = range.limit ?? Infinity;
        for (const given of steps) {
          if ('seek' in given) {
            const { seek } = given;
            const found = inside.findIndex(([key]) => Buffer.compare(key, seek) * sign >= 0);
            at = found < 0 ? inside.length : found;
            expect(walk.seek(seek)).toBe(walk);
            continue;
          }
          for (let i = 0; i < given.next; i++) {
            if (at >= inside.length || left === 0) {
              expect(walk.next()).toEqual({ value: undefined, done: true });
              expect(walk.seek(Buffer.of(0)).next().done).toBe(true);
              return;
            }
            left--;
            expect(difference([walk.next().value], [inside[at++]])).toBe(-1);
          }
        }
        walk.close();
      }),
      { seed: 13, numRuns: 200 },
    );
    expect(mixed.releases).toBe(mixed.pins);
  });

  it('works with pages of 64 KiB and with long keys', () => {
    const tree = new TestTree({ pageBytes: 65536, cacheBytes: 32 * 1024 * 1024 });
    const entries = Array.from(
      { length: 3000 },
      (_, i) => [`${i % 7}`.repeat(i % 900) + String(i), `${i}`.repeat(i % 90)] as const,
    );
    tree.putAll(texts, entries);
    const sorted = [...entries].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const read = (range: KeyRange<string>) =>
      createEntries<string, string, [string, string]>(tree, texts, range, 'entries', tree.open);
    expect([...read({})]).toEqual(sorted);
    expect([...read({ reverse: true })]).toEqual([...sorted].reverse());
  });

  it('reads keys and values beyond ASCII', () => {
    const tree = new TestTree();
    const alphabet = ['a', 'é', '€', '😀', '\0', 'z'];
    const entries = Array.from(
      { length: 400 },
      (_, i) =>
        [`${alphabet[i % 6]!.repeat(i % 11)}${i}`, alphabet[(i >> 2) % 6]!.repeat(i)] as const,
    );
    tree.putAll(texts, entries);
    const sorted = [...entries].sort((a, b) =>
      Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0])),
    );
    const open = tree.open;
    expect([...createEntries(tree, texts, undefined, 'entries', open)]).toEqual(sorted);
    // Bytes that are no text: each key decodes as it does alone.
    const wild = Array.from({ length: 256 }, (_, i) => [Buffer.of(i, 0xc3), Buffer.of(i)] as const);
    const other = new TestTree();
    other.putAll(bytes, wild);
    expect([...createEntries(other, texts, undefined, 'keys', other.open)]).toEqual(
      wild.map(([key]) => key.toString()),
    );
  });

  it('is empty over an empty tree', () => {
    const tree = new TestTree();
    expect([...createEntries(tree, texts, undefined, 'entries', tree.open)]).toEqual([]);
    expect([...createEntries(tree, texts, { reverse: true }, 'keys', tree.open)]).toEqual([]);
    expect(tree.releases).toBe(2);
  });

  it('gives Buffers that stay as they are', () => {
    const all = [...walkRows()];
    expect(difference(all, rows)).toBe(-1);
    for (const [key, value] of all) {
      key.fill(1);
      value.fill(2);
    }
    const isKept = all.every(
      ([key, value]) => key.every((byte) => byte === 1) && value.every((byte) => byte === 2),
    );
    expect(isKept).toBe(true);
    expect(difference([...walkRows()], rows)).toBe(-1);
  });

  it('decodes neither values for keys() nor keys for values()', () => {
    const refuse = () => {
      throw new Error('not to be decoded');
    };
    const noValues = { key: bufferKeys, value: { ...bufferValues, decode: refuse } };
    const noKeys = { key: { ...bufferKeys, decode: refuse }, value: bufferValues };
    const fetch = mixed.pager.fetch.bind(mixed.pager);
    let fetches = 0;
    const fetched = new Set<number>();
    mixed.pager.fetch = (page, birth) => {
      fetches++;
      fetched.add(page);
      return fetch(page, birth);
    };
    try {
      const keys = createEntries(mixed, noValues, undefined, 'keys', mixed.open);
      expect([...keys]).toHaveLength(rows.length);
      const forKeys = fetched.size;
      const values = createEntries(mixed, noKeys, undefined, 'values', mixed.open);
      expect([...values]).toHaveLength(rows.length);
      // The overflow values have pages of their own, which only the second walk looked at.
      expect(fetched.size).toBeGreaterThan(forKeys);
      expect(fetches).toBeGreaterThan(0);
    } finally {
      mixed.pager.fetch = fetch;
    }
  });

  it('reads little at first, then in growing batches, within bounds', () => {
    const tree = new TestTree();
    const entries = Array.from({ length: 5000 }, (_, i) => [String(100000 + i), 'v'] as const);
    tree.putAll(texts, entries);
    const walk = createEntries(tree, texts, undefined, 'keys', tree.open);
    const before = tree.operations;
    for (let i = 0; i < 8; i++) walk.next();
    expect(tree.operations - before).toBe(1);
    expect([...walk]).toHaveLength(5000 - 8);
    expect(tree.operations - before).toBeGreaterThan(5000 / 512);
    expect(tree.operations - before).toBeLessThan(20);
  });
});

describe('the pinned version', () => {
  it('is that of the moment the iterator was made', () => {
    const tree = new TestTree();
    const entries = Array.from({ length: 600 }, (_, i) => [String(1000 + i), `old ${i}`] as const);
    tree.putAll(texts, entries);
    const early = createEntries(tree, texts, undefined, 'entries', tree.open);
    const started = createEntries(tree, texts, { reverse: true }, 'entries', tree.open);
    expect(started.next().value).toEqual(entries.at(-1));
    tree.putAll(
      texts,
      entries.map(([key]) => [key, 'new'] as const),
    );
    tree.putAll(
      texts,
      entries.map(([key]) => [`${key}+`, 'added'] as const),
    );
    tree.deleteAll(
      texts,
      entries.slice(100, 500).map(([key]) => key),
    );
    expect([...early]).toEqual(entries);
    expect([...started]).toEqual(entries.slice(0, -1).reverse());
    expect([...createEntries(tree, texts, undefined, 'keys', tree.open)]).toHaveLength(800);
  });

  const endings: [string, (walk: Entries<unknown, string>) => void][] = [
    ['its end', (walk) => expect([...walk]).toHaveLength(600)],
    ['its end, asked twice', (walk) => void [[...walk], walk.next(), walk.next()]],
    [
      'break',
      (walk) => {
        for (const entry of walk) if (entry !== undefined) break;
      },
    ],
    [
      'an exception in the loop',
      (walk) =>
        expect(() => {
          for (const entry of walk) throw new Error(String(entry));
        }).toThrow(),
    ],
    ['return', (walk) => expect(walk.return()).toEqual({ value: undefined, done: true })],
    ['throw', (walk) => expect(() => (walk as unknown as Generator).throw('no')).toThrow('no')],
    [
      'close, twice',
      (walk) => {
        walk.next();
        walk.close();
        walk.close();
        expect(walk.return().done).toBe(true);
      },
    ],
    ['disposal before the first step', (walk) => walk[Symbol.dispose]()],
    ['seek, then close', (walk) => walk.seek('1100').close()],
  ];
  it.each(endings)('is given back once at %s', (_name, end) => {
    const tree = new TestTree();
    tree.putAll(
      texts,
      Array.from({ length: 600 }, (_, i) => [String(1000 + i), 'v'] as const),
    );
    const walk = createEntries<string, string, unknown>(tree, texts, {}, 'entries', tree.open);
    expect(tree.pins).toBe(1);
    expect(tree.releases).toBe(0);
    end(walk);
    expect(tree.releases).toBe(1);
    expect(walk.next()).toEqual({ value: undefined, done: true });
    expect(walk.seek('1000').next().done).toBe(true);
    expect(tree.releases).toBe(1);
    expect(tree.isOpen).toBe(false);
  });

  it('is given back when decoding throws, at the entry that cannot be decoded', () => {
    const tree = new TestTree();
    tree.putAll(
      texts,
      Array.from({ length: 50 }, (_, i) => [String(100 + i), `${i}`] as const),
    );
    tree.putAll(texts, [['120', '{']]);
    const codec = { key: utf8Keys, value: valueEncodingOf('json') };
    const walk = createEntries(tree, codec, undefined, 'values', tree.open);
    const seen: unknown[] = [];
    expect(() => {
      for (const value of walk) seen.push(value);
    }).toThrow(SyntaxError);
    expect(seen).toHaveLength(20);
    expect(tree.releases).toBe(1);
    expect(walk.next().done).toBe(true);
  });

  it('is given back when reading throws', () => {
    const tree = new TestTree();
    tree.putAll(
      texts,
      Array.from({ length: 600 }, (_, i) => [String(1000 + i), 'v'] as const),
    );
    const walk = createEntries(tree, texts, undefined, 'keys', tree.open);
    walk.next();
    tree.pager.fetch = () => {
      throw new Error('no page');
    };
    expect(() => [...walk]).toThrow('no page');
    expect(tree.releases).toBe(1);
    expect(tree.isOpen).toBe(false);
  });

  it('is not taken for a range that is refused', () => {
    const wrong = { limit: -1 } as KeyRange<string>;
    expect(() => createEntries(mixed, texts, wrong, 'keys', mixed.open)).toThrow(RangeError);
    expect(mixed.pins).toBe(0);
  });

  it('is given back for an iterator that was forgotten', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const tree = new TestTree();
    tree.putAll(
      texts,
      Array.from({ length: 100 }, (_, i) => [String(1000 + i), 'v'] as const),
    );
    (() => {
      createEntries(tree, texts, undefined, 'keys', tree.open);
      createEntries(tree, texts, undefined, 'keys', tree.open).next();
    })();
    for (let turn = 0; turn < 100 && tree.releases < 2; turn++) {
      await new Promise(setImmediate);
      collect();
    }
    expect(tree.releases).toBe(2);
  });
});

describe('a closed database', () => {
  it('is noticed at every step, and the version is given back', () => {
    const tree = new TestTree();
    tree.putAll(
      texts,
      Array.from({ length: 100 }, (_, i) => [String(1000 + i), 'v'] as const),
    );
    const closed = expect.objectContaining({ code: 'ERR_MANIFOLD_CLOSED' });
    const walk = createEntries(tree, texts, undefined, 'entries', tree.open);
    const fresh = createEntries(tree, texts, undefined, 'entries', tree.open);
    walk.next();
    tree.isClosed = true;
    expect(() => fresh.seek('1000')).toThrow(closed);
    expect(() => walk.next()).toThrow(closed);
    expect(() => fresh.next()).toThrow(closed);
    expect(() => createEntries(tree, texts, {}, 'keys', tree.open)).toThrow(closed);
    expect(tree.releases).toBe(2);
    walk.return();
    fresh.close();
    expect(tree.releases).toBe(2);
  });
});

describe('a codec of the user', () => {
  it('runs outside of the operation and may use the very iterator', () => {
    const tree = new TestTree();
    const keys = Array.from({ length: 40 }, (_, i) => String(100 + i));
    tree.putAll(
      texts,
      keys.map((key) => [key, `v${key}`] as const),
    );
    let depth = 0;
    const decode = (copy: Buffer): string => {
      expect(tree.isOpen).toBe(false);
      const text = copy.toString();
      if (depth === 0) {
        depth++;
        // Steps over whole batches, in the middle of a step.
        for (let i = 0; i < 12; i++) walk.next();
        depth--;
      }
      return text;
    };
    const value = valueEncodingOf({ encode: (text: string) => text, decode });
    const codec = { key: utf8Keys, value } as unknown as FamilyCodec<string, string>;
    const walk = createEntries<string, string, [string, string]>(
      ...([tree, codec, undefined, 'entries', tree.open] as const),
    );
    expect([...walk]).toEqual(['100', '113', '126', '139'].map((key) => [key, `v${key}`]));
    expect(tree.releases).toBe(1);
  });
});

import { KEY_BYTES_MAX } from '@manifold-db/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderedKey } from '../types.js';
import { KEY_ENCODE_ROOM, encodeKey } from './encoding.js';
import { ORDERED_DEPTH_MAX, orderedKeys } from './ordered.js';

/** Texts that are rich in the bytes that are escaped, and cover all of Unicode. */
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a'), maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const numbers = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 5e-324, -5e-324, Infinity, -Infinity, 2 ** 53, -(2 ** 53), 2 ** 31),
);
const keys: fc.Arbitrary<OrderedKey> = fc.letrec<{ key: OrderedKey; array: OrderedKey[] }>(
  (tie) => ({
    key: fc.oneof({ maxDepth: 4 }, fc.boolean(), numbers, texts, tie('array')),
    array: fc.array(tie('key'), { maxLength: 4 }),
  }),
).key;

const RANKS = ['boolean', 'number', 'string', 'object'];

/** The natural order, said another way: recursion over values, no bytes. */
function compareKeys(left: OrderedKey, right: OrderedKey): number {
  if (typeof left !== typeof right) {
    return Math.sign(RANKS.indexOf(typeof left) - RANKS.indexOf(typeof right));
  }
  if (typeof left === 'string') return comparePoints(left, right as string);
  if (typeof left !== 'object') {
    const other = right as number | boolean;
    if (left === other) return 0;
    return left < other ? -1 : 1;
  }
  const others = right as readonly OrderedKey[];
  for (let index = 0; index < Math.min(left.length, others.length); index++) {
    const order = compareKeys(left[index], others[index]);
    if (order !== 0) return order;
  }
  return Math.sign(left.length - others.length);
}

function comparePoints(left: string, right: string): number {
  const others = Array.from(right);
  const points = Array.from(left);
  for (let index = 0; index < Math.min(points.length, others.length); index++) {
    const point = points[index].codePointAt(0) as number;
    const other = others[index].codePointAt(0) as number;
    if (point !== other) return Math.sign(point - other);
  }
  return Math.sign(points.length - others.length);
}

function withoutNegativeZero(key: OrderedKey): OrderedKey {
  if (typeof key === 'object') return key.map(withoutNegativeZero);
  return key === 0 ? 0 : key;
}

function decode(bytes: Buffer): OrderedKey {
  return orderedKeys.decode(bytes, 0, bytes.length);
}

function nested(depth: number): OrderedKey {
  let key: OrderedKey = 1;
  for (let level = 0; level < depth; level++) key = [key];
  return key;
}

describe('ordered keys', () => {
  it('come back as they were, -0 as 0', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const source = Buffer.concat([
          Buffer.from('xyz'),
          encodeKey(orderedKeys, key),
          Buffer.of(9),
        ]);
        const back = orderedKeys.decode(source, 3, source.length - 1);
        expect(back).toStrictEqual(withoutNegativeZero(key));
      }),
      { numRuns: 400 },
    );
  });

  it('have bytes in the natural order', () => {
    fc.assert(
      fc.property(keys, keys, (left, right) => {
        const order = Buffer.compare(encodeKey(orderedKeys, left), encodeKey(orderedKeys, right));
        expect(order).toBe(compareKeys(left, right));
      }),
      { numRuns: 2000 },
    );
  });

  it('have bytes in the natural order, for arrays that differ late', () => {
    const pairs = fc.tuple(
      fc.array(keys, { maxLength: 3 }),
      keys,
      keys,
      fc.array(keys, { maxLength: 1 }),
    );
    fc.assert(
      fc.property(pairs, ([common, left, right, rest]) => {
        const one = [...common, left, ...rest];
        const other = [...common, right];
        const order = Buffer.compare(encodeKey(orderedKeys, one), encodeKey(orderedKeys, other));
        expect(order).toBe(compareKeys(one, other));
      }),
      { numRuns: 1000 },
    );
  });

  it('sort as documented', () => {
    const sorted: OrderedKey[] = [
      false,
      true,
      -Infinity,
      -1.5,
      -1,
      -5e-324,
      0,
      5e-324,
      1,
      1.5,
      2 ** 53,
      Infinity,
      '',
      '\0',
      '\0\0',
      '\x01',
      'a',
      'a\0',
      'a\x01',
      'b',
      '￿',
      '𐀀',
      [],
      [false],
      [1],
      [1, 'a'],
      ['a'],
      ['a', false],
      ['a', ''],
      ['a\0'],
      ['a\x01'],
      ['b'],
      [[]],
      [[], 1],
      [[false]],
      [['a'], 1],
      [['a', 0]],
    ];
    const bytes = sorted.map((key) => encodeKey(orderedKeys, key));
    const misplaced = sorted.filter(
      (_key, index) => index > 0 && Buffer.compare(bytes[index - 1], bytes[index]) !== -1,
    );
    expect(misplaced).toEqual([]);
  });

  it('keep their bytes from version to version', () => {
    const hex = (key: OrderedKey): string => encodeKey(orderedKeys, key).toString('hex');
    expect(hex(false)).toBe('10');
    expect(hex(true)).toBe('11');
    expect(hex(0)).toBe('208000000000000000');
    expect(hex(-0)).toBe(hex(0));
    expect(hex(1)).toBe('20bff0000000000000');
    expect(hex(-1)).toBe('20400fffffffffffff');
    expect(hex('a\0')).toBe('306100');
    expect(hex(['a\0\x01', ['b'], true])).toBe('4030610101010200403062000011');
  });

  it('are refused when they have no place in the order', () => {
    for (const key of [
      NaN,
      [NaN],
      null,
      undefined,
      1n,
      {},
      [null],
      [undefined],
      Symbol('x'),
      new Date(0),
    ]) {
      expect(() => encodeKey(orderedKeys, key as OrderedKey, 'key')).toThrow(TypeError);
    }
    // oxlint-disable-next-line no-sparse-arrays
    expect(() => encodeKey(orderedKeys, [1, , 2] as OrderedKey)).toThrow(/^key must be a boolean/);
    expect(() => encodeKey(orderedKeys, ['ok', '\ud800'])).toThrow(/^key must be well-formed text/);
    expect(() => encodeKey(orderedKeys, '\ud800')).toThrow(/^key must be well-formed text/);
  });

  it('are bounded in length, with every byte of it usable', () => {
    const longest = 'x'.repeat(KEY_BYTES_MAX - 1);
    expect(decode(encodeKey(orderedKeys, longest))).toBe(longest);
    const array = ['\0'.repeat((KEY_BYTES_MAX - 4) / 2), true];
    expect(encodeKey(orderedKeys, array)).toHaveLength(KEY_BYTES_MAX);
    expect(decode(encodeKey(orderedKeys, array))).toStrictEqual(array);
    for (const key of [longest + 'x', [...array, true], Array(KEY_BYTES_MAX).fill(true)]) {
      expect(() => encodeKey(orderedKeys, key)).toThrow(/^key must be at most 1024 bytes long/);
    }
  });

  it('write no more than KEY_ENCODE_ROOM, refused ones included', () => {
    // The worst there is: the longest string, three bytes a character, on the last byte, innermost.
    let key: OrderedKey = [
      ...Array(KEY_BYTES_MAX - ORDERED_DEPTH_MAX - 1).fill(true),
      '€'.repeat(KEY_BYTES_MAX),
    ];
    for (let level = 1; level < ORDERED_DEPTH_MAX; level++) key = [key];
    const target = Buffer.alloc(KEY_ENCODE_ROOM + 1, 0xee);
    expect(() => orderedKeys.encode(key, target, 0)).toThrow(RangeError);
    expect(target.lastIndexOf(Buffer.from('€'))).toBeGreaterThan(4 * KEY_BYTES_MAX - 16);
    expect(target[KEY_ENCODE_ROOM]).toBe(0xee);
  });

  it('are bounded in depth, cycles included', () => {
    expect(decode(encodeKey(orderedKeys, nested(ORDERED_DEPTH_MAX)))).toStrictEqual(
      nested(ORDERED_DEPTH_MAX),
    );
    const message = /^key must not nest arrays deeper than 16/;
    expect(() => encodeKey(orderedKeys, nested(ORDERED_DEPTH_MAX + 1))).toThrow(message);
    const cycle: OrderedKey[] = [];
    cycle.push(cycle);
    expect(() => encodeKey(orderedKeys, cycle)).toThrow(message);
  });

  it('of another encoding are refused on the way out, whatever their bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        const source = Buffer.from(bytes);
        try {
          decode(source);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
      { numRuns: 1000 },
    );
    for (const text of [
      'user:1',
      '\x20short',
      '\x40\x30open',
      '\x40\x30a\x01',
      '\x40\x30a\x01\0',
      '\x10\x10',
    ]) {
      expect(() => decode(Buffer.from(text))).toThrow(/not in the encoding 'ordered'/);
    }
    expect(() => decode(Buffer.alloc(60, 0x40))).toThrow(/not in the encoding 'ordered'/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyBounds, OrderedKey } from '../types.js';
import { NO_LIMIT, encodeBounds, encodeRange, nextPrefix, type ByteBounds } from './bounds.js';
import { encodeKey } from './encoding.js';
import { bufferKeys, utf8Keys } from './keys.js';
import { orderedKeys } from './ordered.js';

function contains(bounds: ByteBounds, key: Buffer): boolean {
  if (bounds.low !== undefined && Buffer.compare(key, bounds.low) < 0) return false;
  return bounds.high === undefined || Buffer.compare(key, bounds.high) < 0;
}

function hex(bounds: ByteBounds): (string | undefined)[] {
  return [bounds.low?.toString('hex'), bounds.high?.toString('hex')];
}

describe('bounds in bytes', () => {
  const shortBytes = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => {
    return bytes.map((byte) => [0, 1, 0x7f, 0xfe, 0xff][byte % 5]);
  });

  it('hold exactly the keys that the comparison holds', () => {
    const optional = fc.option(shortBytes, { nil: undefined });
    const choice = fc.tuple(fc.boolean(), optional, fc.boolean(), optional, shortBytes);
    fc.assert(
      fc.property(choice, ([lowOpen, low, highOpen, high, key]) => {
        const range: KeyBounds<Uint8Array> = {
          [lowOpen ? 'gt' : 'gte']: low,
          [highOpen ? 'lt' : 'lte']: high,
        };
        const above = low === undefined ? 1 : Buffer.compare(key, low);
        const below = high === undefined ? -1 : Buffer.compare(key, high);
        const expected = (lowOpen ? above > 0 : above >= 0) && (highOpen ? below < 0 : below <= 0);
        expect(contains(encodeBounds(range, bufferKeys), Buffer.from(key))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('of a prefix hold exactly the keys that begin with it', () => {
    fc.assert(
      fc.property(
        shortBytes,
        fc.uint8Array({ maxLength: 2 }),
        shortBytes,
        (prefix, rest, other) => {
          const bounds = encodeBounds({ prefix }, bufferKeys);
          expect(contains(bounds, Buffer.concat([prefix, rest]))).toBe(true);
          const begins = Buffer.from(other).subarray(0, prefix.length).equals(prefix);
          expect(contains(bounds, Buffer.from(other))).toBe(begins);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('of a text prefix hold exactly the texts that begin with it', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '￿', '𐀀', '\u{10ffff}'),
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(text, text, (prefix, key) => {
        const bounds = encodeBounds({ prefix }, utf8Keys);
        expect(contains(bounds, encodeKey(utf8Keys, key))).toBe(key.startsWith(prefix));
      }),
      { numRuns: 1000 },
    );
  });

  it('of an ordered prefix hold exactly the arrays that begin with its elements', () => {
    const element = fc.constantFrom<OrderedKey>(
      false,
      true,
      -1,
      0,
      '',
      '\0',
      '\x01',
      'a',
      'a\0',
      [],
      ['a'],
      ['a\0'],
    );
    const array = fc.array(element, { maxLength: 3 });
    fc.assert(
      fc.property(array, array, (prefix, key) => {
        const bounds = encodeBounds<OrderedKey>({ prefix }, orderedKeys);
        const begins = JSON.stringify(key.slice(0, prefix.length)) === JSON.stringify(prefix);
        expect(contains(bounds, encodeKey(orderedKeys, key))).toBe(begins);
        expect(contains(bounds, encodeKey(orderedKeys, 'a'))).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('are as written down', () => {
    expect(hex(encodeBounds(undefined, utf8Keys))).toEqual([undefined, undefined]);
    expect(hex(encodeBounds({}, utf8Keys))).toEqual([undefined, undefined]);
    expect(hex(encodeBounds({ gt: 'a', lte: 'b' }, utf8Keys))).toEqual(['6100', '6200']);
    expect(hex(encodeBounds({ gte: 'a', lt: 'b' }, utf8Keys))).toEqual(['61', '62']);
    expect(hex(encodeBounds({ prefix: 'ab' }, utf8Keys))).toEqual(['6162', '6163']);
    expect(hex(encodeBounds({ prefix: Buffer.of(1, 255, 255) }, bufferKeys))).toEqual([
      '01ffff',
      '02',
    ]);
    expect(nextPrefix(Buffer.of(255, 255))).toBeUndefined();
  });

  it('may be empty keys, which are below all', () => {
    expect(hex(encodeBounds({ gt: '' }, utf8Keys))).toEqual(['00', undefined]);
    expect(hex(encodeBounds({ gte: '' }, utf8Keys))).toEqual(['', undefined]);
    expect(hex(encodeBounds({ prefix: '' }, utf8Keys))).toEqual([undefined, undefined]);
    expect(hex(encodeBounds({ lt: Buffer.of() }, bufferKeys))).toEqual([undefined, '']);
  });

  it('that contradict each other hold nothing', () => {
    const { low, high } = encodeBounds({ gt: 'z', lt: 'a' }, utf8Keys);
    expect(low).toEqual(high);
  });

  it('that exclude each other, or are misspelt, are refused', () => {
    const refused: [object, RegExp][] = [
      [{ gt: 'a', gte: 'b' }, /range\.gt and range\.gte exclude/],
      [{ lt: 'a', lte: 'b' }, /range\.lt and range\.lte exclude/],
      [{ prefix: 'a', gt: 'b' }, /range\.prefix and range\.gt exclude/],
      [{ prefix: 'a', lte: 'b' }, /range\.prefix and range\.lte exclude/],
      [{ prefx: 'a' }, /range\.prefx is not an option/],
      [{ limit: 3 }, /range\.limit is not an option here/],
      [{ gt: 5 }, /range\.gt must be a string, not 5/],
      [{ gt: null }, /range\.gt must be a string, not null/],
      [[], /range must be an object/],
    ];
    for (const [range, message] of refused) {
      const attempt = (): unknown => encodeBounds(range as KeyBounds<string>, utf8Keys);
      expect(attempt).toThrow(TypeError);
      expect(attempt).toThrow(message);
    }
    expect(() => encodeBounds<OrderedKey>({ prefix: 'a' }, orderedKeys)).toThrow(
      /must be an array/,
    );
    expect(() => encodeBounds({ gt: 'x'.repeat(1025) }, utf8Keys)).toThrow(RangeError);
  });
});

describe('ranges', () => {
  it('have a direction and a limit', () => {
    const all = { low: undefined, high: undefined, reverse: false, limit: NO_LIMIT };
    expect(encodeRange(undefined, utf8Keys)).toEqual(all);
    expect(encodeRange({ limit: Infinity, reverse: undefined }, utf8Keys)).toEqual(all);
    expect(encodeRange({ gte: 'a', reverse: true, limit: 0 }, utf8Keys)).toEqual({
      low: Buffer.from('a'),
      high: undefined,
      reverse: true,
      limit: 0,
    });
  });

  it('with another limit or direction are refused', () => {
    for (const limit of [-1, 1.5, NaN, 2 ** 53]) {
      expect(() => encodeRange({ limit }, utf8Keys)).toThrow(RangeError);
    }
    expect(() => encodeRange({ limit: '5' as never }, utf8Keys)).toThrow(TypeError);
    expect(() => encodeRange({ reverse: 1 as never }, utf8Keys)).toThrow(/range\.reverse must be/);
    expect(() => encodeRange({ start: 'a' } as never, utf8Keys)).toThrow(/range\.start is not/);
  });
});

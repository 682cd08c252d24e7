import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyOut } from './bytes.js';
import { encodeValue, type ValueEncoding } from './encoding.js';
import { bufferValues, jsonValues, msgpackValues, utf8Values, valueEncodingOf } from './values.js';

const OFFSET = 3;

/** Through shared memory at an odd offset, with exactly the room that the encoding asks for. */
function roundTrip<V>(encoding: ValueEncoding<V>, value: V): V {
  const bound = encoding.byteLengthBound(value);
  const target = Buffer.from(new SharedArrayBuffer(OFFSET + bound));
  const length = encoding.write(value, target, OFFSET);
  expect(length).toBeLessThanOrEqual(bound);
  return encoding.decode(target, OFFSET, OFFSET + length);
}

describe('copyOut', () => {
  it('copies exactly the bytes, into memory of its own, at every length around the switch', () => {
    const source = Buffer.from(new SharedArrayBuffer(400), 8, 380);
    for (let at = 0; at < source.length; at++) source[at] = at * 7;
    for (let length = 0; length <= 300; length++) {
      const copy = copyOut(source, 5, 5 + length);
      expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
      expect(Buffer.compare(copy, source.subarray(5, 5 + length))).toBe(0);
    }
  });
});

describe('utf8 values', () => {
  it('come back as they were, empty and long ones included', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 700, size: 'max' });
    fc.assert(fc.property(texts, (value) => roundTrip(utf8Values, value) === value));
    for (const value of ['', '\0', 'ä'.repeat(513), 'x'.repeat(100_000), '€'.repeat(512)]) {
      expect(roundTrip(utf8Values, value)).toBe(value);
    }
  });

  it('that are no well-formed strings are refused', () => {
    for (const value of [undefined, null, 1, Buffer.from('x'), () => 'x']) {
      expect(() => roundTrip(utf8Values, value as never)).toThrow(/^value must be a string, not /);
    }
    expect(() => roundTrip(utf8Values, 'x'.repeat(600) + '\ud800')).toThrow(/^value must be well-/);
    expect(() => encodeValue(utf8Values, 1 as never, 'ifValue')).toThrow(/^ifValue must be/);
  });
});

describe('buffer values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600, size: 'max' }), (value) => {
        expect(Buffer.compare(roundTrip(bufferValues, value), value)).toBe(0);
      }),
    );
  });

  it('are copied: later changes do not reach what was encoded', () => {
    const value = Buffer.from('before');
    const encoded = encodeValue(bufferValues, value);
    value.write('after!');
    expect(encoded.toString()).toBe('before');
  });

  it('that are detached or no bytes are refused', () => {
    const bytes = new Uint8Array(4);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    expect(() => roundTrip(bufferValues, bytes)).toThrow(/^value is a view of detached/);
    for (const value of [undefined, 'x', [1], new ArrayBuffer(1), new Float64Array(1)]) {
      expect(() => roundTrip(bufferValues, value as never)).toThrow(/^value must be a Uint8Array/);
    }
  });
});

describe('json values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(roundTrip(jsonValues, value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(roundTrip(jsonValues, 'lone \ud800')).toBe('lone \ud800');
  });

  it('that JSON would drop or cannot hold are refused', () => {
    for (const value of [undefined, () => 1, Symbol('x')]) {
      expect(() => roundTrip(jsonValues, value)).toThrow(/^value must be something JSON can hold/);
    }
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => roundTrip(jsonValues, cycle)).toThrow(TypeError);
    expect(() => roundTrip(jsonValues, 1n)).toThrow(TypeError);
  });
});

describe('msgpack values', () => {
  it('come back as they were', () => {
    const values = fc.anything({
      maxDepth: 3,
      withBigInt: true,
      values: [
        fc.string({ unit: 'grapheme' }),
        fc.double({ noNaN: true }).map((number) => (number === 0 ? 0 : number)),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.date({ noInvalidDate: true }),
      ],
      key: fc.string({ unit: 'grapheme-ascii' }).filter((key) => key !== '__proto__'),
    });
    fc.assert(
      fc.property(values, (value) => {
        fc.pre(value !== undefined);
        expect(roundTrip(msgpackValues, value)).toStrictEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it('keep maps, sets, dates, large bigints and bytes what they are', () => {
    const value = {
      map: new Map<unknown, unknown>([
        [1, 'a'],
        ['b', new Map()],
      ]),
      set: new Set([1, 'x']),
      date: new Date(1_700_000_000_123),
      bigints: [12n, -(2n ** 62n), 2n ** 80n, -(2n ** 70n)],
      bytes: Buffer.from('bytes'),
    };
    expect(roundTrip(msgpackValues, value)).toStrictEqual(value);
  });

  it('stay what they are while others are encoded', () => {
    const encoded = encodeValue(msgpackValues, { first: 'x'.repeat(50) });
    for (let round = 0; round < 2000; round++)
      encodeValue(msgpackValues, { round, y: 'y'.repeat(50) });
    expect(msgpackValues.decode(encoded, 0, encoded.length)).toEqual({ first: 'x'.repeat(50) });
  });

  it('that msgpack would drop are refused', () => {
    for (const value of [undefined, () => 1, Symbol('x')]) {
      expect(() => roundTrip(msgpackValues, value)).toThrow(/^value must be something msgpack/);
    }
  });
});

describe('codecs', () => {
  it('give bytes or text, once per value, and get bytes of their own', () => {
    let encodings = 0;
    const seen: Buffer[] = [];
    const encoding = valueEncodingOf({
      encode(value: number) {
        encodings++;
        return value % 2 === 0 ? `even ${value} ä` : new Uint8Array([value]);
      },
      decode(bytes: Buffer) {
        seen.push(bytes);
        return bytes.length === 1 ? bytes[0] : Number(bytes.toString().split(' ')[1]);
      },
    });
    expect(roundTrip(encoding, 7)).toBe(7);
    expect(roundTrip(encoding, 1234)).toBe(1234);
    expect(encodings).toBe(2);
    expect(seen.every((bytes) => bytes.buffer instanceof ArrayBuffer)).toBe(true);
  });

  it('keep their `this`', () => {
    class Suffix {
      suffix = '!';
      encode(value: string): string {
        return value + this.suffix;
      }
      decode(bytes: Buffer): string {
        return bytes.toString().slice(0, -this.suffix.length);
      }
    }
    expect(roundTrip(valueEncodingOf(new Suffix()), 'hello')).toBe('hello');
  });

  it('that return something else, or text with lone surrogates, are refused', () => {
    const returning = (result: unknown): ValueEncoding<unknown> =>
      valueEncodingOf({ encode: () => result, decode: () => 1 });
    for (const result of [undefined, 1, [1], new ArrayBuffer(1)]) {
      expect(() => roundTrip(returning(result), 1)).toThrow(
        /^what valueEncoding.encode returned for value must be a Uint8Array/,
      );
    }
    expect(() => roundTrip(returning('\ud800'), 1)).toThrow(/well-formed/);
  });
});

describe('the option valueEncoding', () => {
  it('names an encoding or is a codec', () => {
    expect(valueEncodingOf(undefined)).toBe(utf8Values);
    for (const name of ['utf8', 'buffer', 'json', 'msgpack']) {
      expect(valueEncodingOf(name).name).toBe(name);
    }
    expect(valueEncodingOf({ encode: String, decode: String }).name).toBe('codec');
  });

  it('refuses anything else', () => {
    for (const option of ['cbor', 1, null, {}, { encode: String }, [], () => 1]) {
      expect(() => valueEncodingOf(option)).toThrow(/^valueEncoding must be/);
    }
  });
});

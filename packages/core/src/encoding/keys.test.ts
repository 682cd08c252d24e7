import { KEY_BYTES_MAX } from '@manifold-db/storage';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEY_ENCODE_ROOM, encodeKey } from './encoding.js';
import { bufferKeys, keyEncodingOf, utf8Keys } from './keys.js';

const OFFSET = 5;

/** Through a target and a source in shared memory, at an odd offset, as in the tree. */
function roundTrip<K>(encoding: typeof utf8Keys | typeof bufferKeys, key: K): unknown {
  const target = Buffer.from(new SharedArrayBuffer(OFFSET + KEY_ENCODE_ROOM));
  const keys = encoding as unknown as ReturnType<typeof keyEncodingOf>;
  const length = keys.encode(key, target, OFFSET);
  return keys.decode(target, OFFSET, OFFSET + length);
}

function detached(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shrunk(): Uint8Array {
  const memory = new ArrayBuffer(16, { maxByteLength: 32 } as never);
  const view = new Uint8Array(memory, 8, 8);
  (memory as unknown as { resize(bytes: number): void }).resize(4);
  return view;
}

describe('utf8 keys', () => {
  it('come back as they were, for any well-formed text', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
    fc.assert(fc.property(texts, (key) => roundTrip(utf8Keys, key) === key));
  });

  it.each(['\0', 'a\0b', 'x'.repeat(24), 'x'.repeat(25), 'ä'.repeat(24), '𝒳'.repeat(12), '￿'])(
    'come back as they were: %j',
    (key) => expect(roundTrip(utf8Keys, key)).toBe(key),
  );

  it('have bytes in the order of their code points', () => {
    const texts = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    const points = (text: string): number[] => Array.from(text, (c) => c.codePointAt(0) as number);
    const compare = (left: number[], right: number[]): number => {
      const at = left.findIndex((point, index) => point !== right[index]);
      if (at === -1) return Math.sign(left.length - right.length);
      return Math.sign(left[at] - (right[at] ?? -1));
    };
    fc.assert(
      fc.property(texts, texts, (left, right) => {
        const bytes = Buffer.compare(encodeKey(utf8Keys, left), encodeKey(utf8Keys, right));
        expect(bytes).toBe(compare(points(left), points(right)));
      }),
    );
  });

  it('of the greatest length are stored, of one byte more refused', () => {
    for (const [key, longer] of [
      ['x'.repeat(KEY_BYTES_MAX), 'x'],
      ['€'.repeat((KEY_BYTES_MAX - 1) / 3) + 'x', 'x'],
    ]) {
      expect(roundTrip(utf8Keys, key)).toBe(key);
      expect(() => roundTrip(utf8Keys, key + longer)).toThrow(
        new RangeError(`key must be at most ${KEY_BYTES_MAX} bytes long, not ${KEY_BYTES_MAX + 1}`),
      );
    }
  });

  it('need no more room than KEY_ENCODE_ROOM, refused ones included', () => {
    const target = Buffer.alloc(KEY_ENCODE_ROOM);
    expect(() => utf8Keys.encode('€'.repeat(KEY_BYTES_MAX), target, 0)).toThrow(
      new RangeError(`key must be at most 1024 bytes long, not ${3 * KEY_BYTES_MAX}`),
    );
  });

  it.each(['\ud800', 'a\udc00', 'x'.repeat(40) + '\ud834', '\udc00\ud800'])(
    'with a lone surrogate are refused',
    (key) => expect(() => roundTrip(utf8Keys, key)).toThrow(/^key must be well-formed text/),
  );

  it('of other types, and empty ones, are refused by name', () => {
    for (const key of [1, null, undefined, {}, Buffer.from('x'), Symbol('x'), 1n]) {
      expect(() => roundTrip(utf8Keys, key)).toThrow(TypeError);
    }
    expect(() => roundTrip(utf8Keys, 7)).toThrow('key must be a string, not 7');
    expect(() => roundTrip(utf8Keys, '')).toThrow(RangeError);
    expect(() => encodeKey(utf8Keys, '', 'keys[3]')).toThrow(/^keys\[3\] must not be empty/);
  });
});

describe('buffer keys', () => {
  it('come back as they were, in memory of their own', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: KEY_BYTES_MAX });
    fc.assert(
      fc.property(bytes, (key) => {
        const back = roundTrip(bufferKeys, key) as Buffer;
        expect(Buffer.isBuffer(back)).toBe(true);
        expect(back.buffer).toBeInstanceOf(ArrayBuffer);
        expect(Buffer.compare(back, key)).toBe(0);
      }),
    );
  });

  it('may be views of shared memory and parts of larger buffers', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
    shared.set([1, 0, 255]);
    expect(roundTrip(bufferKeys, shared)).toEqual(Buffer.of(1, 0, 255));
    const part = Buffer.from('abcdef').subarray(1, 4);
    expect(roundTrip(bufferKeys, part)).toEqual(Buffer.from('bcd'));
  });

  it('that are too long, empty, detached or no bytes are refused', () => {
    const tooLong = new Uint8Array(KEY_BYTES_MAX + 1);
    expect(() => roundTrip(bufferKeys, tooLong)).toThrow(/at most 1024 bytes long, not 1025/);
    expect(() => roundTrip(bufferKeys, new Uint8Array(0))).toThrow(/^key must not be empty/);
    expect(() => roundTrip(bufferKeys, detached(4))).toThrow(/^key is a view of detached/);
    expect(() => roundTrip(bufferKeys, shrunk())).toThrow(/^key is a view of detached/);
    for (const key of [
      'x',
      [1],
      new ArrayBuffer(2),
      new Uint16Array(2),
      new DataView(new ArrayBuffer(1)),
    ]) {
      expect(() => roundTrip(bufferKeys, key)).toThrow(TypeError);
    }
  });
});

describe('the option keyEncoding', () => {
  it('names an encoding', () => {
    expect(keyEncodingOf(undefined).name).toBe('utf8');
    for (const name of ['utf8', 'buffer', 'ordered']) expect(keyEncodingOf(name).name).toBe(name);
  });

  it('refuses anything else', () => {
    for (const option of ['utf-8', 'json', 1, null, {}]) {
      expect(() => keyEncodingOf(option)).toThrow(TypeError);
    }
    expect(() => keyEncodingOf('utf-8')).toThrow(/^keyEncoding must be .*, not 'utf-8'$/);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonBytes, parseBytes, showBytes, TEXT_ENCODINGS } from './text.js';

const bytes = fc.uint8Array({ maxLength: 20 }).map((content) => Buffer.from(content));

describe('text of bytes', () => {
  it('is parsed back in hex and base64', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom('hex' as const, 'base64' as const), (value, encoding) => {
        expect(parseBytes(showBytes(value, encoding), encoding, 'the key')).toEqual(value);
      }),
    );
  });

  it('stands on one line, whatever the bytes are', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(...TEXT_ENCODINGS), (value, encoding) => {
        for (const character of showBytes(value, encoding)) expect(character >= ' ').toBe(true);
      }),
    );
    expect(showBytes(Buffer.from('a\tb\n\u0001\\'), 'utf8')).toBe('a\\tb\\n\\x01\\\\');
    expect(showBytes(Buffer.from([0xff]), 'utf8')).toBe('hex:ff');
  });

  it('keeps in JSON what is no text', () => {
    expect(jsonBytes('key', Buffer.from('ä'), 'utf8')).toEqual({ key: 'ä' });
    expect(jsonBytes('key', Buffer.from([0xff]), 'utf8')).toEqual({ key64: '/w==' });
    expect(jsonBytes('key', Buffer.from([0xff]), 'hex')).toEqual({ key: 'ff' });
  });

  it.each([
    ['0', 'hex'],
    ['zz', 'hex'],
    ['ab c', 'hex'],
    ['abc', 'base64'],
    ['a-b_', 'base64'],
  ] as const)('refuses %j as %s', (text, encoding) => {
    expect(() => parseBytes(text, encoding, 'the key')).toThrow(`the key "${text}" is not`);
  });
});

/**
 * Key encodings `'utf8'` and `'buffer'`, and the choice among all three. Any thread; stateless.
 */
import { KEY_BYTES_MAX } from '@manifold-db/storage';
import { copyOut, requireBytes, writeBytes } from './bytes.js';
import { describe } from './describe.js';
import type { KeyEncoding } from './encoding.js';
import { orderedKeys } from './ordered.js';
import { readText, refuseLoneSurrogates, writeText } from './text.js';

export function keyTooLong(argument: string, bytes: number): RangeError {
  return new RangeError(`${argument} must be at most ${KEY_BYTES_MAX} bytes long, not ${bytes}`);
}

function keyEmpty(argument: string): RangeError {
  return new RangeError(`${argument} must not be empty: a key has 1 to ${KEY_BYTES_MAX} bytes`);
}

/** For keys that hold nothing that could run. */
function asItIs<K>(key: K): K {
  return key;
}

/** Strings in the order of their UTF-8 bytes, which is the order of their code points. */
export const utf8Keys: KeyEncoding<string> = {
  name: 'utf8',
  own: asItIs,

  encode(key, target, offset, argument = 'key') {
    if (typeof key !== 'string') {
      throw new TypeError(`${argument} must be a string, not ${describe(key)}`);
    }
    const length = key.length;
    if (length === 0) throw keyEmpty(argument);
    if (length > KEY_BYTES_MAX) throw keyTooLong(argument, Buffer.byteLength(key));
    const bytes = writeText(key, target, offset);
    // As many bytes as characters: ASCII, nothing to check.
    if (bytes === length) return bytes;
    refuseLoneSurrogates(key, argument);
    if (bytes > KEY_BYTES_MAX) throw keyTooLong(argument, bytes);
    return bytes;
  },

  decode: readText,
};

/** Bytes, in their own order. */
export const bufferKeys: KeyEncoding<Uint8Array> = {
  name: 'buffer',
  own: asItIs,

  encode(key, target, offset, argument = 'key') {
    const length = requireBytes(key, argument);
    if (length === 0) throw keyEmpty(argument);
    if (length > KEY_BYTES_MAX) throw keyTooLong(argument, length);
    return writeBytes(key, target, offset, length);
  },

  decode: copyOut,
};

/** The encoding an option asks for. */
export function keyEncodingOf(option: unknown): KeyEncoding<unknown> {
  switch (option) {
    case undefined:
    case 'utf8':
      return utf8Keys as KeyEncoding<unknown>;
    case 'buffer':
      return bufferKeys as KeyEncoding<unknown>;
    case 'ordered':
      return orderedKeys as KeyEncoding<unknown>;
    default:
      throw new TypeError(
        `keyEncoding must be 'utf8', 'buffer' or 'ordered', not ${
          typeof option === 'string' ? `'${option}'` : describe(option)
        }`,
      );
  }
}

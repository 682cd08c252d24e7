/**
 * Value encodings. Any thread; the encodings that produce their bytes as a whole keep them between
 * `byteLengthBound` and the `write` that follows at once.
 */
import { VALUE_BYTES_MAX } from '@manifold-db/storage';
import { Packr } from 'msgpackr/pack';
import type { ValueCodec } from '../types.js';
import { copyOut, lengthOfBytes, requireBytes, writeBytes } from './bytes.js';
import { describe } from './describe.js';
import type { ValueEncoding } from './encoding.js';
import { readText, refuseLoneSurrogates, textBytesBound, writeText } from './text.js';

function valueTooLong(argument: string, bytes: number): RangeError {
  return new RangeError(`${argument} must be at most ${VALUE_BYTES_MAX} bytes long, not ${bytes}`);
}

function boundOfText(text: string, argument: string): number {
  const bound = textBytesBound(text);
  if (bound > VALUE_BYTES_MAX) throw valueTooLong(argument, bound);
  return bound;
}

function boundOfBytes(length: number, argument: string): number {
  if (length > VALUE_BYTES_MAX) throw valueTooLong(argument, length);
  return length;
}

/** Strings. */
export const utf8Values: ValueEncoding<string> = {
  name: 'utf8',

  byteLengthBound(value, argument = 'value') {
    if (typeof value !== 'string') {
      throw new TypeError(`${argument} must be a string, not ${describe(value)}`);
    }
    refuseLoneSurrogates(value, argument);
    return boundOfText(value, argument);
  },

  write: writeText,
  decode: readText,
};

/** Bytes. */
export const bufferValues: ValueEncoding<Uint8Array> = {
  name: 'buffer',

  byteLengthBound(value, argument = 'value') {
    return boundOfBytes(requireBytes(value, argument), argument);
  },

  write: writeBytes,
  decode: copyOut,
};

/** An encoding that turns a value into text or bytes as a whole. */
class WholeEncoding<V> implements ValueEncoding<V> {
  readonly name: string;
  readonly #encode: (value: V, argument: string) => string | Uint8Array;
  readonly decode: (source: Buffer, start: number, end: number) => V;
  /** Encoded by `byteLengthBound`, for the `write` that follows. */
  #encoded: string | Uint8Array = '';

  constructor(
    name: string,
    encode: (value: V, argument: string) => string | Uint8Array,
    decode: (source: Buffer, start: number, end: number) => V,
  ) {
    this.name = name;
    this.#encode = encode;
    this.decode = decode;
  }

  byteLengthBound(value: V, argument = 'value'): number {
    const encoded = this.#encode(value, argument);
    this.#encoded = encoded;
    return typeof encoded === 'string'
      ? boundOfText(encoded, argument)
      : boundOfBytes(lengthOfBytes(encoded), argument);
  }

  write(_value: V, target: Buffer, offset: number): number {
    const encoded = this.#encoded;
    this.#encoded = '';
    return typeof encoded === 'string'
      ? writeText(encoded, target, offset)
      : writeBytes(encoded, target, offset);
  }
}

function encodeJson(value: unknown, argument: string): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) {
    throw new TypeError(`${argument} must be something JSON can hold, not ${describe(value)}`);
  }
  return text;
}

export const jsonValues: ValueEncoding<unknown> = new WholeEncoding(
  'json',
  encodeJson,
  (source, start, end) => JSON.parse(readText(source, start, end)) as unknown,
);

/**
 * Every value describes itself (no structures shared between values). Records keep plain objects
 * and maps apart; `moreTypes` adds sets, errors, regular expressions, typed arrays and bigints of
 * any size.
 */
const packr = new Packr({ useRecords: true, moreTypes: true });
/** The packer's memory is one for all of them, and it runs accessors and `toJSON` of the value. */
let isPacking = false;

function encodeMsgpack(value: unknown, argument: string): Uint8Array {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`${argument} must be something msgpack can hold, not ${describe(value)}`);
  }
  if (isPacking) throw new TypeError(`${argument} cannot be packed while another value is packed`);
  isPacking = true;
  try {
    return packr.pack(value);
  } finally {
    isPacking = false;
  }
}

export const msgpackValues: ValueEncoding<unknown> = new WholeEncoding(
  'msgpack',
  encodeMsgpack,
  (source, start, end) => packr.unpack(copyOut(source, start, end)) as unknown,
);

function codecValues(codec: ValueCodec<unknown>): ValueEncoding<unknown> {
  return new WholeEncoding<unknown>(
    'codec',
    (value, argument) => {
      const encoded = codec.encode(value);
      if (typeof encoded === 'string') {
        refuseLoneSurrogates(encoded, `what valueEncoding.encode returned for ${argument}`);
      } else {
        requireBytes(encoded, `what valueEncoding.encode returned for ${argument}`);
      }
      return encoded;
    },
    (source, start, end) => codec.decode(copyOut(source, start, end)),
  );
}

function isCodec(option: unknown): option is ValueCodec<unknown> {
  if (typeof option !== 'object' || option === null) return false;
  const { encode, decode } = option as Partial<ValueCodec<unknown>>;
  return typeof encode === 'function' && typeof decode === 'function';
}

/** The encoding an option asks for. */
export function valueEncodingOf(option: unknown): ValueEncoding<unknown> {
  switch (option) {
    case undefined:
    case 'utf8':
      return utf8Values as ValueEncoding<unknown>;
    case 'buffer':
      return bufferValues as ValueEncoding<unknown>;
    case 'json':
      return jsonValues;
    case 'msgpack':
      return msgpackValues;
    default:
      break;
  }
  if (isCodec(option)) return codecValues(option);
  throw new TypeError(
    "valueEncoding must be 'utf8', 'buffer', 'json', 'msgpack' or an object with the methods " +
      `encode and decode, not ${typeof option === 'string' ? `'${option}'` : describe(option)}`,
  );
}

/**
 * Public types of encodings: how keys and values become bytes.
 */

/** What `'ordered'` keys are made of; arrays nest. `NaN`, `null` and bigints are refused. */
export type OrderedKey = boolean | number | string | readonly OrderedKey[];

/** Names of the key encodings. See {@link ColumnFamilyOptions.keyEncoding}. */
export type KeyEncodingName = 'utf8' | 'buffer' | 'ordered';

/** Names of the built-in value encodings. See {@link ColumnFamilyOptions.valueEncoding}. */
export type ValueEncodingName = 'utf8' | 'buffer' | 'json' | 'msgpack';

/**
 * A value encoding of your own.
 *
 * `encode` runs when a value is put, before anything is written; what it throws reaches the caller.
 * The bytes are copied before `put` returns. `decode` gets a private copy that it may keep. Both
 * are synchronous and may run any number of times, for instance when a transaction is retried.
 *
 * @example
 * const dates = {
 *   encode: (date: Date) => date.toISOString(),
 *   decode: (bytes: Buffer) => new Date(bytes.toString()),
 * };
 * const seen = db.columnFamily<string, Date>('seen', { valueEncoding: dates });
 */
export interface ValueCodec<V> {
  /** Bytes of a value; a string stands for its UTF-8 bytes. */
  encode(value: V): Uint8Array | string;
  decode(bytes: Buffer): V;
}

/** The key encodings that fit keys of type K. */
export type KeyEncodingFor<K> = K extends string
  ? 'utf8' | 'ordered'
  : K extends Uint8Array
    ? 'buffer'
    : 'ordered';

/** The named value encodings that fit values of type V. */
export type ValueEncodingFor<V> = V extends string
  ? 'utf8' | 'json' | 'msgpack'
  : V extends Uint8Array
    ? 'buffer' | 'msgpack'
    : 'json' | 'msgpack';

/**
 * How a column family handle turns keys and values into bytes. The choice belongs to the handle and
 * is not stored: open a family with the same encodings every time.
 */
export interface ColumnFamilyOptions<K = string, V = string> {
  /**
   * - `'utf8'` (default): strings, ordered by their UTF-8 bytes (code points). Lone surrogates are
   *   refused with a `TypeError`.
   * - `'buffer'`: `Uint8Array` or `Buffer`, ordered by bytes. Reads give a fresh `Buffer`.
   * - `'ordered'`: booleans, numbers, strings and arrays of them ({@link OrderedKey}) in natural
   *   order: `false < true < numbers < strings < arrays`, numbers by value (-0 is 0), strings by
   *   code point, arrays element by element with a shorter one before its extensions.
   */
  keyEncoding?: KeyEncodingFor<K> | undefined;
  /**
   * - `'utf8'` (default): strings; lone surrogates are refused.
   * - `'buffer'`: `Uint8Array` or `Buffer`; reads give a fresh `Buffer`.
   * - `'json'`: what `JSON.stringify` accepts; what it would drop (`undefined`, functions,
   *   symbols) is refused at the top level.
   * - `'msgpack'`: MessagePack by `msgpackr`: also dates, maps, sets, bigints and binary data.
   *   A property named `__proto__` is renamed by the decoder, and lone surrogates inside are lost.
   * - an object: a codec of your own, see {@link ValueCodec}.
   */
  valueEncoding?: ValueEncodingFor<V> | ValueCodec<V> | undefined;
}

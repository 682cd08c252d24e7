/**
 * The two interfaces between typed keys and values and bytes. Encoders write straight into a buffer
 * of the caller (the staging buffer of a transaction), so that no object is made per key.
 *
 * Invariants
 * 1. An encoder refuses with a TypeError or RangeError that names the argument and the limit, or
 *    stores the key or value exactly; it never truncates or replaces anything.
 * 2. An encoder that throws may have written into the target; the caller has not moved on yet.
 * 3. A decoder is called only on bytes that no other thread can be changing (reader epoch).
 */
import { KEY_BYTES_MAX } from '@manifold-db/storage';
import { copyOut } from './bytes.js';

/**
 * Room that `KeyEncoding.encode` needs behind `offset`, whatever the key: an encoder may write up
 * to three bytes per character before it finds out that the key is over the limit, and `'ordered'`
 * checks the length between elements only: a string that starts on the last byte, and the ends of
 * the arrays around it.
 */
export const KEY_ENCODE_ROOM = 4 * KEY_BYTES_MAX + 64;

export interface KeyEncoding<K> {
  readonly name: 'utf8' | 'buffer' | 'ordered';
  /**
   * The key as a value of ours: encoding it runs nothing of the user's. An array may have
   * accessors, or be a proxy, so it is copied; every other key is given back as it is.
   *
   * @param argument how error messages call the key; `key` by default
   */
  own(key: K, argument?: string): K;
  /**
   * Writes the key and returns its length in bytes, 1 to KEY_BYTES_MAX. `target` must have
   * KEY_ENCODE_ROOM bytes behind `offset`. What may run of the user's (`own`) has run before the
   * first byte is written.
   *
   * @param argument how error messages call the key; `key` by default
   */
  encode(key: K, target: Buffer, offset: number, argument?: string): number;
  /** The key in `[start, end)`. Keeps no reference to `source`. */
  decode(source: Buffer, start: number, end: number): K;
}

/**
 * `byteLengthBound` and `write` are a pair: `write` follows at once, with the same value, and
 * nothing of the user's runs in between. That lets encodings that produce their bytes as a whole
 * (json, msgpack, codecs) produce them once, in `byteLengthBound`.
 */
export interface ValueEncoding<V> {
  readonly name: string;
  /**
   * Checks the value and says how many bytes `write` may need.
   *
   * @param argument how error messages call the value; `value` by default
   */
  byteLengthBound(value: V, argument?: string): number;
  /** Writes the value and returns its length in bytes. */
  write(value: V, target: Buffer, offset: number): number;
  /** The value in `[start, end)`. Keeps no reference to `source`. */
  decode(source: Buffer, start: number, end: number): V;
}

/** For keys on their way into a buffer of their own; in use only inside one synchronous call. */
const scratch = Buffer.alloc(KEY_ENCODE_ROOM);
const SUCCESSOR_BYTE = 0;

/** The bytes of a key in a buffer of their own. */
export function encodeKey<K>(encoding: KeyEncoding<K>, key: K, argument = 'key'): Buffer {
  return copyOut(scratch, 0, encoding.encode(key, scratch, 0, argument));
}

/** The least bytes above those of a key. */
export function encodeSuccessor<K>(encoding: KeyEncoding<K>, key: K, argument = 'key'): Buffer {
  const length = encoding.encode(key, scratch, 0, argument);
  scratch[length] = SUCCESSOR_BYTE;
  return copyOut(scratch, 0, length + 1);
}

/** The bytes of a value in a buffer of their own. */
export function encodeValue<V>(encoding: ValueEncoding<V>, value: V, argument = 'value'): Buffer {
  return writeOwn(encoding, value, encoding.byteLengthBound(value, argument));
}

/** The same, where `byteLengthBound` has been called already. */
export function writeOwn<V>(encoding: ValueEncoding<V>, value: V, bound: number): Buffer {
  const target = Buffer.allocUnsafe(bound);
  const length = encoding.write(value, target, 0);
  return length === target.length ? target : target.subarray(0, length);
}

/** The key encodings. They are no export of the library, so they are taken from its build. */
import {
  KEY_ENCODE_ROOM,
  bufferKeys,
  orderedKeys,
  utf8Keys,
} from '../../../packages/core/dist/encoding/index.js';

const DIGITS = 11;

export class KeyPart {
  readonly #target = Buffer.alloc(KEY_ENCODE_ROOM);
  readonly #texts: readonly string[];
  readonly #bytes: readonly Buffer[];
  readonly #numbers: readonly number[];

  constructor(count: number) {
    this.#numbers = Array.from({ length: count }, (_, i) => i * 37);
    this.#texts = this.#numbers.map((number) => `key${String(number).padStart(DIGITS, '0')}`);
    this.#bytes = this.#texts.map((text) => Buffer.from(text));
  }

  utf8(): number {
    let bytes = 0;
    for (const key of this.#texts) bytes += utf8Keys.encode(key, this.#target, 0);
    return bytes;
  }

  buffer(): number {
    let bytes = 0;
    for (const key of this.#bytes) bytes += bufferKeys.encode(key, this.#target, 0);
    return bytes;
  }

  ordered(): number {
    let bytes = 0;
    for (const key of this.#numbers) bytes += orderedKeys.encode(key, this.#target, 0);
    return bytes;
  }
}

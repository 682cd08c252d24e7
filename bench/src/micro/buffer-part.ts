/** A write-buffer generation in memory, filled with prepared commits. */
import {
  BufferFind,
  BufferHit,
  MIB,
  OperationKind,
  WriteBuffer,
  hashKey,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  writeOperationHeader,
} from '@manifold-db/storage';
import { Random, shuffled } from '../random.js';

const KEY_BYTES = 14;
const VALUE_BYTES = 100;
const PUT_BYTES = operationBytes(KEY_BYTES, VALUE_BYTES);
const BATCH_OPS = 1000;
const MEMORY_BYTES = 64 * MIB;
const FAMILY = 1;
const SLOT = 0;
const SEED = 29;
const WORD_BYTES = 4;

/** The operations of one commit, as they stand in the log. */
interface Payload {
  readonly bytes: Buffer;
  readonly words: Int32Array;
}

function writeKey(target: Buffer, at: number, number: number): void {
  target.write(String(number).padStart(KEY_BYTES, '0'), at, 'latin1');
}

function payloadOf(numbers: Uint32Array, value: Buffer): Payload {
  const memory = new ArrayBuffer(numbers.length * PUT_BYTES);
  const bytes = Buffer.from(memory);
  const words = new Int32Array(memory);
  numbers.forEach((number, i) => {
    const at = i * PUT_BYTES;
    const header = [OperationKind.PUT, 0, FAMILY, KEY_BYTES, VALUE_BYTES] as const;
    writeOperationHeader(words, at / WORD_BYTES, ...header);
    value.copy(bytes, operationValueOffset(at));
    writeKey(bytes, operationKeyOffset(at, VALUE_BYTES), number);
  });
  return { bytes, words };
}

export class BufferPart {
  readonly #buffer = new WriteBuffer(new SharedArrayBuffer(MEMORY_BYTES));
  readonly #payloads: readonly Payload[];
  readonly #order: Uint32Array;
  readonly #keys: readonly Buffer[];
  readonly #hit = new BufferHit();
  #next = 0;

  /** Commits of keys 0 to `count - 1`, in ascending or in random order. */
  constructor(count: number, isRandom: boolean) {
    const value = new Random(SEED).bytes(VALUE_BYTES);
    const order = isRandom
      ? shuffled(count, SEED)
      : Uint32Array.from({ length: count }, (_, i) => i);
    this.#order = order;
    this.#payloads = Array.from({ length: Math.ceil(count / BATCH_OPS) }, (_, i) => {
      return payloadOf(order.subarray(i * BATCH_OPS, (i + 1) * BATCH_OPS), value);
    });
    this.#keys = Array.from({ length: BATCH_OPS }, (_, i) => {
      const key = Buffer.alloc(KEY_BYTES);
      writeKey(key, 0, order[(i * 7919) % count]!);
      return key;
    });
  }

  /** Empties the generation and fills it. */
  fill(): number {
    const buffer = this.#buffer;
    buffer.reset();
    this.#payloads.forEach(({ bytes, words }, i) => {
      if (!buffer.hasRoom(bytes.length, BATCH_OPS, 0)) throw new Error('the buffer is full');
      buffer.add(bytes, words, 0, bytes.length, i + 1, () => SLOT);
    });
    return this.#order.length;
  }

  /** Looks keys up, one `BATCH_OPS` of them again and again; they are there after `fill`. */
  find(count: number): number {
    let found = 0;
    for (let i = 0; i < count; i++) {
      this.#next = (this.#next + 1) % this.#keys.length;
      const key = this.#keys[this.#next]!;
      const hash = hashKey(FAMILY, key, 0, KEY_BYTES);
      const result = this.#buffer.find(
        FAMILY,
        key,
        KEY_BYTES,
        hash,
        this.#payloads.length,
        this.#hit,
      );
      if (result === BufferFind.VALUE) found++;
    }
    if (found !== count) throw new Error('a key is missing in the buffer');
    return found;
  }
}

/**
 * The operations of one transaction as log bytes (format: storage `format/operation.ts`), in a
 * private growable buffer. What stands here goes into the log unchanged, and the tree writer takes
 * key and value from here. One thread; owned by the transaction builder.
 */
import { MIB, OPERATION_HEADER_BYTES, padTo4 } from '@manifold-db/storage';

/** Most transactions are small; every opening makes a few of these. */
const INITIAL_BYTES = 16 * 1024;
/** A buffer grown beyond this by one large transaction is given up after it. */
const KEPT_BYTES_MAX = 4 * MIB;

export class Staging {
  bytes: Buffer = Buffer.alloc(0);
  words: Int32Array = new Int32Array(0);
  /** Bytes used; a multiple of 4. */
  length = 0;
  operationCount = 0;

  constructor() {
    this.#allocate(INITIAL_BYTES);
  }

  reset(): void {
    this.length = 0;
    this.operationCount = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.#allocate(INITIAL_BYTES);
  }

  /** Makes room for `extra` more bytes. */
  ensure(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const old = this.bytes;
    this.#allocate(Math.max(needed, old.length * 2));
    old.copy(this.bytes, 0, 0, this.length);
  }

  /**
   * Completes the operation at `length` whose value and key bytes are in place already: header,
   * zeroed padding, new length. The key begins at `length + OPERATION_HEADER_BYTES + padded value`.
   */
  seal(
    kind: number,
    flags: number,
    columnFamilyId: number,
    keyBytes: number,
    valueBytes: number,
  ): void {
    const { bytes, words, length } = this;
    const word = length >>> 2;
    words[word] = kind | (flags << 8) | (keyBytes << 16);
    words[word + 1] = columnFamilyId;
    words[word + 2] = valueBytes;
    const valueEnd = length + OPERATION_HEADER_BYTES + valueBytes;
    const keyStart = length + OPERATION_HEADER_BYTES + padTo4(valueBytes);
    for (let at = valueEnd; at < keyStart; at++) bytes[at] = 0;
    const end = keyStart + padTo4(keyBytes);
    for (let at = keyStart + keyBytes; at < end; at++) bytes[at] = 0;
    this.length = end;
    this.operationCount++;
  }

  #allocate(bytes: number): void {
    const buffer = new ArrayBuffer(padTo4(bytes));
    this.bytes = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
  }
}

/**
 * A transaction's own operations as a buffer that its reads look at first. Made when the
 * transaction first reads; most never do. Main thread, one per builder.
 *
 * Invariants
 * 1. Operation n of the transaction stands in the buffer with sequence n, so a limit on the
 *    sequence shows the transaction as it was at any operation: iterators need no copy.
 * 2. A buffer is only ever added to while its transaction runs, and iterators end with it; when it
 *    has to grow, or when operations were taken back, a new one takes its place.
 */
import {
  KIB,
  MIB,
  OperationCursor,
  OperationKind,
  WRITE_BUFFER_BYTES_MAX,
  WriteBuffer,
  type OperationKind as Kind,
} from '@manifold-db/storage';
import type { Staging } from '../staging.js';

const INITIAL_BYTES = 64 * KIB;
/** A buffer grown beyond this by one large transaction is given up after it. */
const KEPT_BYTES_MAX = MIB;
const NO_SLOT_NEEDED = (): number => 0;

export class Overlay {
  readonly #staging: Staging;
  readonly #cursor = new OperationCursor();
  #buffer: WriteBuffer | undefined;
  #bytes = INITIAL_BYTES;
  /** Operations in the buffer, and where the next one begins in the staging buffer. */
  #count = 0;
  #position = 0;

  constructor(staging: Staging) {
    this.#staging = staging;
  }

  /** Of the next transaction. */
  reset(): void {
    if (this.#buffer === undefined) return;
    if (this.#bytes > KEPT_BYTES_MAX) this.#giveUp();
    this.#count = 0;
    this.#position = 0;
  }

  /** Operations were taken back. */
  rollBack(): void {
    this.#giveUp();
    this.#count = 0;
    this.#position = 0;
  }

  #giveUp(): void {
    this.#buffer = undefined;
    this.#bytes = INITIAL_BYTES;
  }

  /** Operations that `buffer` shows. */
  get sequence(): number {
    return this.#count;
  }

  /** Everything staged so far; `undefined` when there is nothing. */
  buffer(): WriteBuffer | undefined {
    if (this.#staging.operationCount > this.#count) this.#catchUp();
    return this.#count === 0 ? undefined : this.#buffer;
  }

  #catchUp(): void {
    const { bytes, length } = this.#staging;
    const cursor = this.#cursor;
    cursor.reset(bytes, this.#position, length, 'transaction');
    for (let from = this.#position; cursor.next(); from = cursor.position) {
      this.#add(from, cursor.position, cursor.kind as Kind);
    }
  }

  #add(from: number, to: number, kind: Kind): void {
    const clears = kind === OperationKind.CLEAR ? 1 : 0;
    this.#buffer ??= new WriteBuffer(new ArrayBuffer(this.#bytes));
    if (this.#count === 0 && this.#position === 0) this.#buffer.reset();
    if (!this.#buffer.hasRoom(to - from, 1, clears, 1)) {
      this.#grow(to - from, clears);
      return this.#add(from, to, kind);
    }
    const { bytes, words } = this.#staging;
    this.#buffer.add(bytes, words, from, to, this.#count + 1, NO_SLOT_NEEDED);
    this.#count++;
    this.#position = to;
  }

  /** A larger buffer with the same operations. */
  #grow(bytes: number, clears: number): void {
    do {
      if (this.#bytes === WRITE_BUFFER_BYTES_MAX) throw tooLargeError();
      this.#bytes *= 2;
    } while (!WriteBuffer.fits(this.#bytes, this.#position + bytes, this.#count + 1, clears));
    this.#buffer = undefined;
    const end = this.#position;
    this.#count = 0;
    this.#position = 0;
    const cursor = new OperationCursor();
    cursor.reset(this.#staging.bytes, 0, end, 'transaction');
    for (let from = 0; cursor.next(); from = cursor.position) {
      this.#add(from, cursor.position, cursor.kind as Kind);
    }
  }
}

function tooLargeError(): RangeError {
  return new RangeError(
    'a transaction that reads while it writes takes at most ' +
      `${WRITE_BUFFER_BYTES_MAX} bytes of memory in mode 'buffered'`,
  );
}

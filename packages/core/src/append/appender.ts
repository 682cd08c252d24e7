/**
 * CommitStage.AppendWal: hands a built transaction to the log ring. Under the append lock it takes
 * the next sequence together with ring and log space; the bytes are copied outside the lock. A
 * transaction larger than a record goes as fragments. Never blocks: `step` says what it waits for.
 * Main thread.
 *
 * Invariants
 * 1. The log space of the whole transaction is admitted before its first fragment is claimed, so
 *    "no space" always rejects a transaction that has no sequence yet.
 * 2. APPENDED is stored before the record that completes the transaction is published.
 * 3. Fragments of one transaction follow one another: no other transaction is started meanwhile.
 */
import {
  CLAIM_LOG_FULL,
  CLAIM_OK,
  LOG_FULL,
  PROGRESS_APPENDED,
  RECORD_HEADER_BYTES,
  RecordKind,
  admitLogSpace,
  loadWideOwned,
  lockAppend,
  newClaim,
  publishRecord,
  recordBytesFor,
  recordBytesMax,
  storeWide,
  tryClaim,
  unlockAppend,
  writeRecordHeader,
  type Shared,
} from '@manifold-db/storage';
import type { Staging } from '../staging.js';

export const APPEND_DONE = 0;
/** Waits for ring space (REASON_SPACE). */
export const APPEND_RING_FULL = 1;
/** Waits for a prepared log segment (REASON_SPACE). */
export const APPEND_LOG_FULL = 2;
/** No segment can be prepared: the disk is full. Nothing was claimed. */
export const APPEND_DISK_FULL = 3;

export class Appender {
  readonly #shared: Shared;
  readonly #ringWords: Int32Array;
  readonly #payloadMax: number;
  readonly #claim = newClaim();
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #done = 0;
  #operationCount = 0;
  #admitted = false;
  /** Sequence of the running or last appended transaction. */
  sequence = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#ringWords = new Int32Array(shared.ringBytes.buffer);
    this.#payloadMax = recordBytesMax(shared.sizes) - RECORD_HEADER_BYTES;
  }

  /** The staging buffer stays untouched until `step` has returned APPEND_DONE. */
  start(staging: Staging): void {
    this.#bytes = staging.bytes;
    this.#length = staging.length;
    this.#operationCount = staging.operationCount;
    this.#done = 0;
    this.#admitted = false;
    this.sequence = loadWideOwned(this.#shared.progress, PROGRESS_APPENDED) + 1;
  }

  step(): number {
    if (!this.#admitted && !this.#admit()) {
      const isDiskFull = Atomics.load(this.#shared.logSpace, LOG_FULL) !== 0;
      return isDiskFull ? APPEND_DISK_FULL : APPEND_LOG_FULL;
    }
    while (this.#done < this.#length) {
      const result = this.#appendFragment();
      if (result === CLAIM_LOG_FULL) return APPEND_LOG_FULL;
      if (result !== CLAIM_OK) return APPEND_RING_FULL;
    }
    return APPEND_DONE;
  }

  /** True once a part of the transaction stands in the ring: it cannot be withdrawn any more. */
  get hasBegun(): boolean {
    return this.#done > 0;
  }

  #admit(): boolean {
    const shared = this.#shared;
    const records = Math.ceil(this.#length / this.#payloadMax);
    const bytes = this.#length + records * (RECORD_HEADER_BYTES + 8);
    lockAppend(shared);
    this.#admitted = admitLogSpace(shared, bytes, records);
    unlockAppend(shared);
    return this.#admitted;
  }

  #appendFragment(): number {
    const shared = this.#shared;
    const claim = this.#claim;
    const start = this.#done;
    const payloadBytes = Math.min(this.#payloadMax, this.#length - start);
    const completes = start + payloadBytes === this.#length;
    lockAppend(shared);
    const recordBytes = recordBytesFor(payloadBytes);
    const result = tryClaim(shared, recordBytes, this.sequence, completes, claim, true);
    if (result === CLAIM_OK && completes) {
      storeWide(shared.progress, PROGRESS_APPENDED, this.sequence);
    }
    unlockAppend(shared);
    if (result !== CLAIM_OK) return result;
    const kind = fragmentKind(start === 0, completes);
    const count = start === 0 ? this.#operationCount : 0;
    const word = claim.byteOffset >>> 2;
    writeRecordHeader(this.#ringWords, word, payloadBytes, kind, count, this.sequence);
    shared.ringBytes.set(
      this.#bytes.subarray(start, start + payloadBytes),
      claim.byteOffset + RECORD_HEADER_BYTES,
    );
    publishRecord(shared, claim);
    this.#done = start + payloadBytes;
    return CLAIM_OK;
  }
}

function fragmentKind(isFirst: boolean, isLast: boolean): RecordKind {
  if (isFirst) return isLast ? RecordKind.WHOLE : RecordKind.FIRST;
  return isLast ? RecordKind.LAST : RecordKind.MIDDLE;
}

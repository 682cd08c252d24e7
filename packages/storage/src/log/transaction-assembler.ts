/**
 * Turns the records of the log into transactions: checks that sequences follow one another, joins
 * fragments, skips what the checkpoint already holds.
 *
 * Invariants:
 * 1. `last` is the last sequence known to be complete in the log, `undefined` before the first; no
 *    record may skip a sequence or come twice.
 * 2. Memory grows with the bytes of a transaction that were really read, never with a length that a
 *    header claims.
 */
import { corrupt } from '../errors.js';
import { BlockKind, EndReason, type BlockHeader } from '../format/block.js';
import {
  RECORD_HEADER_BYTES,
  RecordKind,
  readRecordBytes,
  readRecordKind,
  readRecordOpCount,
  readRecordPayloadBytes,
  readRecordSequence,
  recordProblem,
} from '../format/record.js';
import { KIB } from '../limits.js';

export interface LogSink {
  /** `payload` is only valid during the call. */
  transaction(sequence: number, opCount: number, payload: Uint8Array): void;
}

/** Where a block lies, for errors. */
export interface BlockPlace {
  readonly path: string;
  readonly offset: number;
}

const FRAGMENT_BUFFER_BYTES_MIN = 64 * KIB;
const NO_FRAGMENT = 0;

/**
 * What is wrong with the records of a DATA block whose checksum is right; `undefined` when they are
 * those of its header, in order.
 *
 * The checksum of a block does not see that the header of a record in it was exchanged for that of
 * another record: each ends with its own checksum, and two such headers differ by a multiple of
 * the generator polynomial, which adds nothing to a CRC. So a write that was torn, where the
 * sectors that are missing show the same payload from the segment's earlier life, passes it.
 */
export function recordsProblem(
  bytes: Uint8Array,
  start: number,
  end: number,
  header: BlockHeader,
): string | undefined {
  let count = 0;
  let last = header.firstSequence;
  for (let position = start; position < end; position += readRecordBytes(bytes, position)) {
    const problem = recordProblem(bytes, position, end);
    if (problem !== undefined) return problem;
    const sequence = readRecordSequence(bytes, position);
    if (count === 0 && sequence !== last) return 'the first record is not the one of the header';
    // A transaction, or its next fragment.
    if (sequence !== last && sequence !== last + 1) return 'records out of order';
    last = sequence;
    count += 1;
  }
  const agrees = count === header.recordCount && last === header.lastSequence;
  return agrees ? undefined : 'the records do not agree with the block header';
}

export class TransactionAssembler {
  last: number | undefined;
  transactionCount = 0;
  recordBytes = 0;
  readonly #fromSequence: number;
  readonly #sink: LogSink;
  /** Sequence of the unfinished transaction, or NO_FRAGMENT. */
  #fragmentSequence = NO_FRAGMENT;
  #fragmentOpCount = 0;
  #fragmentBytes = 0;
  #fragmentBuffer = new Uint8Array(0);

  constructor(fromSequence: number, sink: LogSink) {
    this.#fromSequence = fromSequence;
    this.#sink = sink;
  }

  /** The last complete sequence; before the first record, the checkpoint's. */
  get lastKnown(): number {
    return this.last ?? this.#fromSequence;
  }

  get hasFragments(): boolean {
    return this.#fragmentSequence !== NO_FRAGMENT;
  }

  /** Why this block cannot come next, although its checksums are right. */
  misfit(header: BlockHeader): string | undefined {
    if (header.syncedWatermark > this.lastKnown) {
      return `a block calls sequence ${header.syncedWatermark} synced, the log ends before it`;
    }
    const next = this.hasFragments ? this.#fragmentSequence : (this.last ?? 0) + 1;
    if (header.kind === BlockKind.DATA) {
      if (this.last !== undefined || this.hasFragments) {
        return header.firstSequence === next ? undefined : this.#gap(header.firstSequence);
      }
      return header.firstSequence <= this.#fromSequence + 1
        ? undefined
        : this.#gap(header.firstSequence);
    }
    const { lastSequence } = header;
    const isKnown =
      this.last === undefined ? lastSequence <= this.#fromSequence : lastSequence === this.last;
    const isFragment = this.hasFragments && lastSequence === this.#fragmentSequence;
    return isKnown || isFragment ? undefined : this.#gap(lastSequence + 1);
  }

  /**
   * A WATERMARK or END block that fits. It does not set `last`: its sequence may be the one of an
   * unfinished transaction.
   */
  mark(header: BlockHeader): void {
    // Recovery cut the unfinished transaction; its sequence is given out again.
    if (header.kind === BlockKind.END && header.endReason === EndReason.CUT) this.#dropFragments();
  }

  /** All records of a DATA block that fits, and in which `recordsProblem` found nothing. */
  records(bytes: Uint8Array, start: number, end: number, place: BlockPlace): void {
    for (let position = start; position < end; position += readRecordBytes(bytes, position)) {
      this.#record(bytes, position, readRecordSequence(bytes, position), place);
    }
    this.recordBytes += end - start;
  }

  #record(bytes: Uint8Array, offset: number, sequence: number, place: BlockPlace): void {
    const kind = readRecordKind(bytes, offset);
    if (kind === RecordKind.WHOLE || kind === RecordKind.FIRST) {
      this.#requireNext(sequence, place);
    } else {
      this.#requireFragment(sequence, place);
    }
    const isSkipped = sequence <= this.#fromSequence;
    const payloadStart = offset + RECORD_HEADER_BYTES;
    const payloadEnd = payloadStart + readRecordPayloadBytes(bytes, offset);
    if (kind === RecordKind.WHOLE) {
      this.last = sequence;
      if (isSkipped) return;
      const payload = bytes.subarray(payloadStart, payloadEnd);
      this.#deliver(sequence, readRecordOpCount(bytes, offset), payload);
      return;
    }
    if (kind === RecordKind.FIRST) {
      this.#fragmentSequence = sequence;
      this.#fragmentOpCount = readRecordOpCount(bytes, offset);
      this.#fragmentBytes = 0;
    }
    if (!isSkipped) this.#append(bytes.subarray(payloadStart, payloadEnd));
    if (kind === RecordKind.LAST) this.#finish(sequence, isSkipped);
  }

  #finish(sequence: number, isSkipped: boolean): void {
    const payload = this.#fragmentBuffer.subarray(0, this.#fragmentBytes);
    const opCount = this.#fragmentOpCount;
    this.#dropFragments();
    this.last = sequence;
    if (!isSkipped) this.#deliver(sequence, opCount, payload);
  }

  #deliver(sequence: number, opCount: number, payload: Uint8Array): void {
    this.transactionCount += 1;
    this.#sink.transaction(sequence, opCount, payload);
  }

  /** A transaction begins: the one before is complete and has the sequence before. */
  #requireNext(sequence: number, place: BlockPlace): void {
    if (this.hasFragments) {
      const open = this.#fragmentSequence;
      throw corrupt(place.path, place.offset, `record ${sequence} inside transaction ${open}`);
    }
    const fits =
      this.last === undefined ? sequence <= this.#fromSequence + 1 : sequence === this.last + 1;
    if (!fits || sequence === 0) throw corrupt(place.path, place.offset, this.#gap(sequence));
  }

  /** A transaction goes on: its beginning was read, or lies in a segment the checkpoint covers. */
  #requireFragment(sequence: number, place: BlockPlace): void {
    if (this.hasFragments ? sequence === this.#fragmentSequence : this.#isCovered(sequence)) {
      this.#fragmentSequence = sequence;
      return;
    }
    throw corrupt(place.path, place.offset, `a fragment of transaction ${sequence} has no start`);
  }

  #isCovered(sequence: number): boolean {
    return this.last === undefined && sequence > 0 && sequence <= this.#fromSequence;
  }

  #append(bytes: Uint8Array): void {
    const wanted = this.#fragmentBytes + bytes.length;
    if (wanted > this.#fragmentBuffer.length) {
      const room = Math.max(FRAGMENT_BUFFER_BYTES_MIN, wanted, 2 * this.#fragmentBuffer.length);
      const grown = new Uint8Array(room);
      grown.set(this.#fragmentBuffer.subarray(0, this.#fragmentBytes));
      this.#fragmentBuffer = grown;
    }
    this.#fragmentBuffer.set(bytes, this.#fragmentBytes);
    this.#fragmentBytes = wanted;
  }

  #dropFragments(): void {
    this.#fragmentSequence = NO_FRAGMENT;
    this.#fragmentBytes = 0;
  }

  #gap(found: number): string {
    return `sequence ${this.lastKnown + 1} is missing, ${found} comes next`;
  }
}

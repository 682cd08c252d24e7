/**
 * The consuming end of the WAL ring: takes the contiguous published prefix in batches that lie
 * contiguous in memory, so that a batch can be written to the file straight from the ring.
 * Threads: the fsync worker alone. Layout: `layout/ring.ts`.
 *
 * Invariants
 * 1. Records are taken in the order of their claims; a batch ends before the first unpublished one.
 * 2. Sequences ascend by one; fragments of one sequence follow each other without a gap.
 * 3. Bytes and descriptors of a batch are untouched by claimers until `release`.
 */
import { assert } from '../assert.js';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_COMPLETES,
  DESCRIPTOR_END,
  DESCRIPTOR_SEQUENCE,
  DESCRIPTOR_STATE,
  DESCRIPTOR_UNIT,
  DESCRIPTOR_WORDS,
  RING_CLAIMED,
  RING_CONSUMED,
  RING_CONSUMED_UNIT,
  RING_UNIT_BYTES,
  RING_UNIT_SHIFT,
} from '../layout/ring.js';
import { RING_RECORDS_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { loadWideOwned } from '../sync/wide.js';

const ROW_MASK = RING_RECORDS_MAX - 1;

export class RingConsumer {
  // The batch, valid between `gather` and `release`. Plain fields: one load each in the hot path.
  byteOffset = 0;
  bytes = 0;
  records = 0;
  /** Of the first and the last record or fragment. */
  firstSequence = 0;
  lastSequence: number;
  /** Newest sequence whose last fragment was taken, in this batch or before. */
  completedSequence: number;
  /** Bytes of the published record that did not fit `bytesMax`, or 0. */
  refusedBytes = 0;

  private readonly control: Int32Array;
  private readonly descriptors: Int32Array;
  private readonly ringMask: number;
  private record: number;
  private endUnit: number;

  /** `sequence`: the newest one already in the log. */
  constructor(shared: Shared, sequence: number) {
    this.control = shared.ringControl;
    this.descriptors = shared.ringDescriptors;
    this.ringMask = (shared.sizes.walRingBytes >>> RING_UNIT_SHIFT) - 1;
    this.record = Atomics.load(this.control, RING_CONSUMED);
    this.endUnit = Atomics.load(this.control, RING_CONSUMED_UNIT);
    this.lastSequence = sequence;
    this.completedSequence = sequence;
  }

  /** Records claimed so far; a bound for `gather`. */
  claimed(): number {
    return Atomics.load(this.control, RING_CLAIMED);
  }

  /** Whether a record is claimed, published or not, that no batch has taken. */
  hasClaimed(): boolean {
    return this.claimed() !== this.record;
  }

  hasPublished(): boolean {
    const row = (this.record & ROW_MASK) * DESCRIPTOR_WORDS;
    const state = Atomics.load(this.descriptors, row + DESCRIPTOR_STATE);
    return state === ((this.record + 1) | 0);
  }

  /**
   * Takes published records into the batch: those claimed before `bound` (from `claimed()`), at
   * most `bytesMax` bytes, contiguous in memory. Returns their number; when it is 0, `refusedBytes`
   * tells a record that is too large for `bytesMax` from none at all.
   */
  gather(bytesMax: number, bound: number): number {
    const descriptors = this.descriptors;
    let record = this.record;
    let endUnit = this.endUnit;
    let bytes = 0;
    this.records = 0;
    this.refusedBytes = 0;
    while (record !== bound) {
      const row = (record & ROW_MASK) * DESCRIPTOR_WORDS;
      // Acquires the claimer's stores; the rest of the row is stable once the state says so.
      const state = Atomics.load(descriptors, row + DESCRIPTOR_STATE);
      if (state !== ((record + 1) | 0)) break;
      const unit = descriptors[row + DESCRIPTOR_UNIT]!;
      // At the start of the region, whether or not the claimer skipped the end: not contiguous.
      if (bytes !== 0 && (unit & this.ringMask) === 0) break;
      const recordBytes = descriptors[row + DESCRIPTOR_BYTES]!;
      if (bytes + recordBytes > bytesMax) {
        this.refusedBytes = recordBytes;
        break;
      }
      if (bytes === 0) this.byteOffset = (unit & this.ringMask) * RING_UNIT_BYTES;
      this.takeSequence(row, bytes === 0);
      bytes += recordBytes;
      endUnit = descriptors[row + DESCRIPTOR_END]!;
      record = (record + 1) | 0;
      this.records++;
    }
    this.bytes = bytes;
    this.record = record;
    this.endUnit = endUnit;
    return this.records;
  }

  /** Gives the batch's memory back to the claimers. */
  release(): void {
    // Two independent bounds: a claimer that sees only one of them moved claims less, never more.
    Atomics.store(this.control, RING_CONSUMED_UNIT, this.endUnit);
    Atomics.store(this.control, RING_CONSUMED, this.record);
  }

  private takeSequence(row: number, isFirst: boolean): void {
    const sequence = loadWideOwned(this.descriptors, row + DESCRIPTOR_SEQUENCE);
    assert(sequence === this.completedSequence + 1, 'records come in sequence order');
    if (isFirst) this.firstSequence = sequence;
    this.lastSequence = sequence;
    if (this.descriptors[row + DESCRIPTOR_COMPLETES] === 1) this.completedSequence = sequence;
  }
}

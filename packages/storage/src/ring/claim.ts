/**
 * Appending to the WAL ring: claim under the append lock, copy outside it, publish. Threads: every
 * thread that commits. Layout: `layout/ring.ts`.
 *
 * Invariants
 * 1. Claims are made under the append lock, in sequence order; so file order = sequence order.
 * 2. claimed - consumed <= RING_RECORDS_MAX and claim unit - consumed unit <= ring units: a claim
 *    never overlaps bytes or a descriptor that the consumer still needs.
 * 3. A refused claim changes nothing.
 * 4. Whoever claims publishes: an unpublished record stops the pipeline behind it. A claimer that
 *    cannot fill its record poisons the database.
 * 5. APPENDED reaches a sequence before the record that completes it is published, so that
 *    written <= appended for every observer.
 */
import { assert } from '../assert.js';
import { THREAD_WAL } from '../layout/bells.js';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_COMPLETES,
  DESCRIPTOR_END,
  DESCRIPTOR_SEQUENCE,
  DESCRIPTOR_STATE,
  DESCRIPTOR_UNIT,
  DESCRIPTOR_WORDS,
  RING_CLAIMED,
  RING_CLAIM_UNIT,
  RING_CONSUMED,
  RING_CONSUMED_UNIT,
  RING_UNIT_BYTES,
  RING_UNIT_SHIFT,
} from '../layout/ring.js';
import { RING_RECORDS_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { REASON_APPENDED, ringBell } from '../sync/bell.js';
import { storeWideOwned } from '../sync/wide.js';
import { admitLogSpace, recordBytesMax } from './log-admission.js';

export const CLAIM_OK = 0;
/** No descriptor or no ring bytes: the fsync worker makes room (REASON_SPACE). */
export const CLAIM_RING_FULL = 1;
/** No prepared log space: apply worker 0 was asked for it (it rings when some is there). */
export const CLAIM_LOG_FULL = 2;

const ROW_MASK = RING_RECORDS_MAX - 1;

/** A place in the ring. One object is reused by its thread. */
export interface Claim {
  /** Record number, mod 2^32 as a signed word. */
  record: number;
  /** Where its bytes go in `shared.ringBytes`; contiguous. */
  byteOffset: number;
  bytes: number;
  sequence: number;
}

export function newClaim(): Claim {
  return { record: 0, byteOffset: 0, bytes: 0, sequence: 0 };
}

/**
 * Claims `bytes` (a multiple of 8, at most `recordBytesMax`) for a record of `sequence`. The caller
 * holds the append lock and has given the sequence. `completes` is false for all fragments of a
 * transaction but the last. `isAdmitted`: the log space of the whole transaction was granted by
 * `admitLogSpace` under the same hold of the lock.
 */
export function tryClaim(
  shared: Shared,
  bytes: number,
  sequence: number,
  completes: boolean,
  claim: Claim,
  isAdmitted = false,
): number {
  assert((bytes & (RING_UNIT_BYTES - 1)) === 0 && bytes > 0, 'records are 8-aligned');
  assert(bytes <= recordBytesMax(shared.sizes), 'larger transactions are cut into fragments');
  const control = shared.ringControl;
  const record = control[RING_CLAIMED]!;
  if (((record - Atomics.load(control, RING_CONSUMED)) | 0) === RING_RECORDS_MAX) {
    return CLAIM_RING_FULL;
  }
  const ringUnits = shared.sizes.walRingBytes >>> RING_UNIT_SHIFT;
  const units = bytes >>> RING_UNIT_SHIFT;
  const claimUnit = control[RING_CLAIM_UNIT]!;
  const position = claimUnit & (ringUnits - 1);
  // A record never wraps: it skips what is left before the end of the region.
  const skipped = position + units > ringUnits ? ringUnits - position : 0;
  const consumedUnit = Atomics.load(control, RING_CONSUMED_UNIT);
  if (((claimUnit - consumedUnit) >>> 0) + skipped + units > ringUnits) return CLAIM_RING_FULL;
  const gapBytes = skipped * RING_UNIT_BYTES;
  if (!isAdmitted && !admitLogSpace(shared, gapBytes + bytes, 1)) return CLAIM_LOG_FULL;

  const unit = (claimUnit + skipped) | 0;
  const end = (unit + units) | 0;
  const descriptors = shared.ringDescriptors;
  const row = (record & ROW_MASK) * DESCRIPTOR_WORDS;
  // Plain stores: the state word, stored when the bytes are there, publishes them all.
  descriptors[row + DESCRIPTOR_UNIT] = unit;
  descriptors[row + DESCRIPTOR_BYTES] = bytes;
  descriptors[row + DESCRIPTOR_END] = end;
  descriptors[row + DESCRIPTOR_COMPLETES] = completes ? 1 : 0;
  storeWideOwned(descriptors, row + DESCRIPTOR_SEQUENCE, sequence);
  control[RING_CLAIM_UNIT] = end;
  Atomics.store(control, RING_CLAIMED, (record + 1) | 0);
  claim.record = record;
  claim.byteOffset = (unit & (ringUnits - 1)) * RING_UNIT_BYTES;
  claim.bytes = bytes;
  claim.sequence = sequence;
  return CLAIM_OK;
}

/** The claim's bytes are complete: hands them to the fsync worker and wakes it if it sleeps. */
export function publishRecord(shared: Shared, claim: Claim): void {
  const row = (claim.record & ROW_MASK) * DESCRIPTOR_WORDS;
  // The state last: whoever loads it sees the descriptor and the bytes stored before it.
  Atomics.store(shared.ringDescriptors, row + DESCRIPTOR_STATE, (claim.record + 1) | 0);
  ringBell(shared.bells, THREAD_WAL, REASON_APPENDED);
}

/**
 * Starts the counters somewhere else than at 0: tests start them just below 2^31 and 2^32. Before
 * any other thread is there. A zeroed region is a ring that starts at 0.
 */
export function startRingAt(shared: Shared, record: number, unit: number): void {
  const control = shared.ringControl;
  control[RING_CLAIMED] = record | 0;
  control[RING_CONSUMED] = record | 0;
  control[RING_CLAIM_UNIT] = unit | 0;
  control[RING_CONSUMED_UNIT] = unit | 0;
  // Every row looks as if the lap before had just used it, so none reads as published too early.
  for (let back = 1; back <= RING_RECORDS_MAX; back++) {
    const earlier = (record - back) | 0;
    const row = (earlier & ROW_MASK) * DESCRIPTOR_WORDS;
    shared.ringDescriptors[row + DESCRIPTOR_STATE] = (earlier + 1) | 0;
  }
}

/**
 * Log-space admission: no record gets a place in the ring unless prepared log space for it is
 * there, so that running out of disk space refuses commits that have no sequence yet and never
 * fails one that has. Threads: the holder of the append lock.
 *
 * The rule: let n records and b bytes sit in the ring (the new one included, alignment gaps
 * counted). In the worst case
 * - the segment being written has no room left at all,
 * - every record gets a block of its own (header) and is followed by a watermark block, so it takes
 *   LOG_RECORD_OVERHEAD_BYTES more than its own bytes,
 * - every segment is left as soon as the largest record would not fit, so it takes in at least
 *   `segmentFillBytesMin`: all but its header, the reserve at its end, and room for a block with
 *   the largest record.
 * Then `ceil((b + n * overhead) / fill)` segments hold everything. That many must be prepared
 * beyond LOG_WRITING_SEGMENT.
 *
 * The order of the loads matters: the consumer stores LOG_WRITING_SEGMENT before it releases the
 * first record written to that segment. Whoever loads the consumed counters first and the segment
 * number second therefore counts every record that lies behind the segment it saw.
 */
import { assert } from '../assert.js';
import { BLOCK_HEADER_BYTES } from '../format/block.js';
import { SEGMENT_HEADER_BYTES } from '../format/segment.js';
import { THREAD_APPLY } from '../layout/bells.js';
import {
  LOG_PREPARED_SEGMENT,
  LOG_WANTED_SEGMENTS,
  LOG_WRITING_SEGMENT,
} from '../layout/log-space.js';
import {
  RING_CLAIMED,
  RING_CLAIM_UNIT,
  RING_CONSUMED,
  RING_CONSUMED_UNIT,
  RING_UNIT_BYTES,
} from '../layout/ring.js';
import { RING_RECORDS_MAX, WAL_RECORD_BYTES_MAX } from '../limits.js';
import type { Shared, SharedSizes } from '../shared.js';
import { REASON_REQUEST, ringBell } from '../sync/bell.js';

/** Header of the record's own block, and the watermark block that may follow it. */
export const LOG_RECORD_OVERHEAD_BYTES = 2 * BLOCK_HEADER_BYTES;
/**
 * Data blocks leave this much at the end of a segment: a watermark and the END block always fit
 * behind them, so a watermark never needs a segment of its own and an END is never missing.
 */
export const SEGMENT_END_RESERVE_BYTES = 2 * BLOCK_HEADER_BYTES;
/** The largest record takes at most this share of ring and segment, so that both stay usable. */
const RECORD_SHARE = 4;

/** Largest record, whole or fragment, that this database may claim; a multiple of 8. */
export function recordBytesMax(sizes: SharedSizes): number {
  const share = Math.min(sizes.walRingBytes, sizes.walSegmentBytes) / RECORD_SHARE;
  const aligned = Math.floor(share / RING_UNIT_BYTES) * RING_UNIT_BYTES;
  return Math.min(WAL_RECORD_BYTES_MAX, aligned);
}

/** Bytes that a segment takes in before it is left for the next one. */
export function segmentFillBytesMin(sizes: SharedSizes): number {
  const unusable = SEGMENT_HEADER_BYTES + SEGMENT_END_RESERVE_BYTES + BLOCK_HEADER_BYTES;
  return sizes.walSegmentBytes - unusable - recordBytesMax(sizes);
}

/** Segments that hold `records` records of `bytes` bytes altogether, in the worst case. */
export function segmentsForRecords(sizes: SharedSizes, bytes: number, records: number): number {
  const fill = segmentFillBytesMin(sizes);
  assert(fill > 0, 'a segment holds at least the largest record');
  return Math.ceil((bytes + records * LOG_RECORD_OVERHEAD_BYTES) / fill);
}

/**
 * Segments ahead of the one being written that suffice for a full ring plus a transaction of
 * `extraBytes` record bytes. With that many prepared no claim is ever refused for want of log
 * space; the sizes of a database must allow it: (this + 1) * walSegmentBytes <= walBytesMax.
 */
export function segmentsAheadNeeded(sizes: SharedSizes, extraBytes = 0): number {
  const extraRecords = Math.ceil(extraBytes / recordBytesMax(sizes));
  const bytes = sizes.walRingBytes + extraBytes;
  return segmentsForRecords(sizes, bytes, RING_RECORDS_MAX + extraRecords);
}

/**
 * Whether what sits in the ring plus `bytes` and `records` more fits the prepared log. If not, the
 * number of segments is asked for and apply worker 0, which prepares them, is rung.
 */
export function admitLogSpace(shared: Shared, bytes: number, records: number): boolean {
  const { ringControl, logSpace, sizes } = shared;
  const consumed = Atomics.load(ringControl, RING_CONSUMED);
  const consumedUnit = Atomics.load(ringControl, RING_CONSUMED_UNIT);
  const recordsInside = (ringControl[RING_CLAIMED]! - consumed) >>> 0;
  const unitsInside = (ringControl[RING_CLAIM_UNIT]! - consumedUnit) >>> 0;
  const needed = segmentsForRecords(
    sizes,
    unitsInside * RING_UNIT_BYTES + bytes,
    recordsInside + records,
  );
  // After the consumed counters, see above.
  const writing = Atomics.load(logSpace, LOG_WRITING_SEGMENT);
  const ahead = Atomics.load(logSpace, LOG_PREPARED_SEGMENT) - writing;
  if (ahead >= needed) {
    if (logSpace[LOG_WANTED_SEGMENTS] !== 0) Atomics.store(logSpace, LOG_WANTED_SEGMENTS, 0);
    return true;
  }
  Atomics.store(logSpace, LOG_WANTED_SEGMENTS, needed);
  ringBell(shared.bells, THREAD_APPLY, REASON_REQUEST);
  return false;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_HEADER_BYTES } from '../format/block.js';
import { SEGMENT_HEADER_BYTES } from '../format/segment.js';
import { BELL_RINGS, BELL_WORDS, THREAD_APPLY } from '../layout/bells.js';
import {
  LOG_PREPARED_SEGMENT,
  LOG_WANTED_SEGMENTS,
  LOG_WRITING_SEGMENT,
} from '../layout/log-space.js';
import { KIB, MIB, WAL_RECORD_BYTES_MAX } from '../limits.js';
import type { SharedSizes } from '../shared.js';
import { CLAIM_LOG_FULL, CLAIM_OK, newClaim, tryClaim } from './claim.js';
import {
  SEGMENT_END_RESERVE_BYTES,
  admitLogSpace,
  recordBytesMax,
  segmentFillBytesMin,
  segmentsAheadNeeded,
  segmentsForRecords,
} from './log-admission.js';
import { TEST_SIZES, testShared } from './test-shared.js';

/** The worst that the fsync worker may do: every record its own block, a watermark after each. */
function segmentsTaken(sizes: SharedSizes, records: readonly number[]): number {
  let room = 0;
  let segments = 0;
  for (const bytes of records) {
    if (room < BLOCK_HEADER_BYTES + bytes + SEGMENT_END_RESERVE_BYTES) {
      segments++;
      room = sizes.walSegmentBytes - SEGMENT_HEADER_BYTES;
    }
    room -= BLOCK_HEADER_BYTES + bytes;
    room -= BLOCK_HEADER_BYTES;
  }
  return segments;
}

describe('log-space admission', () => {
  it('covers the worst packing of any records', () => {
    const sizes = { ...TEST_SIZES, walRingBytes: 256 * KIB, walSegmentBytes: 128 * KIB };
    const units = recordBytesMax(sizes) / 8;
    const bytes = fc.oneof(
      fc.integer({ min: 1, max: units }),
      fc.integer({ min: units - 20, max: units }),
      fc.integer({ min: 1, max: 8 }),
    );
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 300 }), (lengths) => {
        const records = lengths.map((length) => length * 8);
        const total = records.reduce((sum, length) => sum + length, 0);
        const taken = segmentsTaken(sizes, records);
        expect(segmentsForRecords(sizes, total, records.length)).toBeGreaterThanOrEqual(taken);
      }),
      { numRuns: 500 },
    );
  });

  it('is not generous: half the segments would not do for the worst records', () => {
    const sizes = { ...TEST_SIZES, walRingBytes: 256 * KIB, walSegmentBytes: 128 * KIB };
    const records = Array.from({ length: 100 }, () => recordBytesMax(sizes));
    const total = records.length * recordBytesMax(sizes);
    const granted = segmentsForRecords(sizes, total, records.length);
    expect(granted / 2).toBeLessThan(segmentsTaken(sizes, records));
  });

  it('derives the largest record from ring and segment', () => {
    const large = { ...TEST_SIZES, walRingBytes: 8 * MIB, walSegmentBytes: 16 * MIB };
    expect(recordBytesMax(large)).toBe(WAL_RECORD_BYTES_MAX);
    expect(recordBytesMax(TEST_SIZES)).toBe(16 * KIB);
    expect(recordBytesMax({ ...TEST_SIZES, walSegmentBytes: 32 * KIB + 24 })).toBe(8 * KIB);
    expect(segmentFillBytesMin(TEST_SIZES)).toBe(MIB - 4 * 64 - 16 * KIB);
  });

  it('asks for a few segments at the usual sizes', () => {
    const usual = { ...TEST_SIZES, walRingBytes: 8 * MIB, walSegmentBytes: 16 * MIB };
    expect(segmentsAheadNeeded(usual)).toBe(1);
    expect(segmentsAheadNeeded(usual, 128 * MIB)).toBe(9);
  });

  it('refuses without enough segments ahead, asks for them, and takes the request back', () => {
    const shared = testShared();
    const { logSpace } = shared;
    const claim = newClaim();
    logSpace[LOG_WRITING_SEGMENT] = 7;
    logSpace[LOG_PREPARED_SEGMENT] = 7;
    const before = shared.ringControl.slice();
    expect(tryClaim(shared, 4000, 1, true, claim)).toBe(CLAIM_LOG_FULL);
    expect(shared.ringControl).toEqual(before);
    expect(claim).toEqual(newClaim());
    expect(logSpace[LOG_WANTED_SEGMENTS]).toBe(1);
    expect(shared.bells[THREAD_APPLY * BELL_WORDS + BELL_RINGS]).toBe(1);
    logSpace[LOG_PREPARED_SEGMENT] = 8;
    expect(tryClaim(shared, 4000, 1, true, claim)).toBe(CLAIM_OK);
    expect(logSpace[LOG_WANTED_SEGMENTS]).toBe(0);
  });

  it('counts what already waits in the ring', () => {
    const sizes = { ...TEST_SIZES, walRingBytes: 256 * KIB, walSegmentBytes: 128 * KIB };
    const shared = testShared(sizes);
    shared.logSpace[LOG_PREPARED_SEGMENT] = 2;
    const claim = newClaim();
    const bytes = recordBytesMax(sizes);
    let claimed = 0;
    while (tryClaim(shared, bytes, claimed + 1, true, claim) === CLAIM_OK) claimed++;
    expect(claimed).toBe(Math.floor(segmentFillBytesMin(sizes) / (bytes + 128)));
  });

  it('grants a transaction as a whole', () => {
    const shared = testShared();
    const claim = newClaim();
    const bytes = recordBytesMax(shared.sizes);
    const records = 3 * (MIB / bytes);
    shared.logSpace[LOG_PREPARED_SEGMENT] = 1 + 3;
    expect(admitLogSpace(shared, records * bytes, records)).toBe(false);
    expect(shared.logSpace[LOG_WANTED_SEGMENTS]).toBe(4);
    shared.logSpace[LOG_PREPARED_SEGMENT] = 1 + 4;
    expect(admitLogSpace(shared, records * bytes, records)).toBe(true);
    // Its later fragments are not asked again, however little is left.
    shared.logSpace[LOG_WRITING_SEGMENT] = 5;
    expect(tryClaim(shared, bytes, 1, false, claim)).toBe(CLAIM_LOG_FULL);
    expect(tryClaim(shared, bytes, 1, false, claim, true)).toBe(CLAIM_OK);
  });
});

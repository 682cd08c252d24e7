import { describe, expect, it } from 'vitest';
import { InvariantError } from '../assert.js';
import { ManifoldError } from '../errors.js';
import { setFailure } from '../failure/failure.js';
import { BELL_RINGS, BELL_WORDS, THREAD_WAL } from '../layout/bells.js';
import { FAILURE_SYNC } from '../layout/progress.js';
import { RING_RECORDS_MAX, KIB } from '../limits.js';
import type { Shared } from '../shared.js';
import { lockAppend, unlockAppend } from './append-lock.js';
import {
  CLAIM_OK,
  CLAIM_RING_FULL,
  newClaim,
  publishRecord,
  startRingAt,
  tryClaim,
  type Claim,
} from './claim.js';
import { RingConsumer } from './consumer.js';
import { testShared } from './test-shared.js';

const ALL = 1 << 30;

function repeat(value: number, count: number): number[] {
  return Array.from({ length: count }, () => value);
}

/** Claims, fills with the sequence's low byte, publishes. */
function append(shared: Shared, bytes: number, sequence: number, completes = true): Claim {
  const claim = newClaim();
  lockAppend(shared);
  expect(tryClaim(shared, bytes, sequence, completes, claim)).toBe(CLAIM_OK);
  unlockAppend(shared);
  shared.ringBytes.fill(sequence, claim.byteOffset, claim.byteOffset + bytes);
  publishRecord(shared, claim);
  return claim;
}

describe('WAL ring', () => {
  it('hands records over in order, contiguous', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    expect(consumer.hasPublished()).toBe(false);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(0);
    append(shared, 48, 1);
    append(shared, 64, 2);
    append(shared, 8, 3);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(3);
    expect(consumer.bytes).toBe(120);
    expect(consumer.byteOffset).toBe(0);
    expect([consumer.firstSequence, consumer.lastSequence]).toEqual([1, 3]);
    expect(consumer.completedSequence).toBe(3);
    expect([...shared.ringBytes.subarray(0, 120)]).toEqual([
      ...repeat(1, 48),
      ...repeat(2, 64),
      ...repeat(3, 8),
    ]);
    consumer.release();
    expect(consumer.hasClaimed()).toBe(false);
    expect(shared.bells[THREAD_WAL * BELL_WORDS + BELL_RINGS]).toBe(3);
  });

  it('takes nothing behind an unpublished record', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    append(shared, 8, 1);
    const late = newClaim();
    expect(tryClaim(shared, 8, 2, true, late)).toBe(CLAIM_OK);
    append(shared, 8, 3);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(1);
    expect(consumer.completedSequence).toBe(1);
    expect(consumer.hasPublished()).toBe(false);
    expect(consumer.hasClaimed()).toBe(true);
    consumer.release();
    publishRecord(shared, late);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(2);
    expect(consumer.completedSequence).toBe(3);
  });

  it('takes nothing claimed after the bound', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    append(shared, 8, 1);
    const bound = consumer.claimed();
    append(shared, 8, 2);
    expect(consumer.gather(ALL, bound)).toBe(1);
    expect(consumer.gather(ALL, bound)).toBe(0);
    expect(consumer.refusedBytes).toBe(0);
    expect(consumer.hasPublished()).toBe(true);
  });

  it('stops at the byte limit and tells the record that does not fit', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    append(shared, 800, 1);
    append(shared, 800, 2);
    expect(consumer.gather(1592, consumer.claimed())).toBe(1);
    expect(consumer.refusedBytes).toBe(800);
    consumer.release();
    expect(consumer.gather(792, consumer.claimed())).toBe(0);
    expect([consumer.refusedBytes, consumer.records, consumer.bytes]).toEqual([800, 0, 0]);
    expect(consumer.gather(800, consumer.claimed())).toBe(1);
    expect(consumer.refusedBytes).toBe(0);
  });

  it('completes a sequence with its last fragment only', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 4);
    append(shared, 8, 5);
    append(shared, 16, 6, false);
    append(shared, 16, 6, false);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(3);
    expect([consumer.lastSequence, consumer.completedSequence]).toEqual([6, 5]);
    append(shared, 8, 6);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(1);
    expect([consumer.firstSequence, consumer.completedSequence]).toEqual([6, 6]);
  });

  it('never wraps a record and never overlaps one in use', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    const claim = newClaim();
    for (let sequence = 1; sequence <= 3; sequence++) append(shared, 16 * KIB, sequence);
    append(shared, 12 * KIB, 4);
    // 4 KiB left before the end: an 8 KiB record needs the start, which is in use.
    expect(tryClaim(shared, 8 * KIB, 5, true, claim)).toBe(CLAIM_RING_FULL);
    expect(consumer.gather(16 * KIB, consumer.claimed())).toBe(1);
    // Taken is not released.
    expect(tryClaim(shared, 8 * KIB, 5, true, claim)).toBe(CLAIM_RING_FULL);
    consumer.release();
    expect(append(shared, 8 * KIB, 5).byteOffset).toBe(0);
    expect(append(shared, 8 * KIB, 6).byteOffset).toBe(8 * KIB);
    expect(tryClaim(shared, 8, 7, true, claim)).toBe(CLAIM_RING_FULL);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(3);
    expect(consumer.byteOffset).toBe(16 * KIB);
    consumer.release();
    expect(consumer.gather(ALL, consumer.claimed())).toBe(2);
    expect([consumer.byteOffset, consumer.bytes]).toEqual([0, 16 * KIB]);
  });

  it('fills to the last byte', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    const claim = newClaim();
    for (let sequence = 1; sequence <= 4; sequence++) append(shared, 16 * KIB, sequence);
    expect(tryClaim(shared, 8, 5, true, claim)).toBe(CLAIM_RING_FULL);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(4);
    consumer.release();
    expect(append(shared, 16 * KIB, 5).byteOffset).toBe(0);
  });

  it('ends a batch at the end of the region even when nothing was skipped', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    for (let sequence = 1; sequence <= 3; sequence++) append(shared, 16 * KIB, sequence);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(3);
    consumer.release();
    append(shared, 16 * KIB, 4);
    append(shared, 16 * KIB, 5);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(1);
    expect(consumer.byteOffset).toBe(48 * KIB);
    consumer.release();
    expect(consumer.gather(ALL, consumer.claimed())).toBe(1);
    expect(consumer.byteOffset).toBe(0);
  });

  it('runs out of descriptors before it overwrites one', () => {
    const shared = testShared({ walRingBytes: RING_RECORDS_MAX * 16 });
    const consumer = new RingConsumer(shared, 0);
    const claim = newClaim();
    for (let sequence = 1; sequence <= RING_RECORDS_MAX; sequence++) append(shared, 8, sequence);
    expect(tryClaim(shared, 8, RING_RECORDS_MAX + 1, true, claim)).toBe(CLAIM_RING_FULL);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(RING_RECORDS_MAX);
    consumer.release();
    append(shared, 8, RING_RECORDS_MAX + 1);
    expect(consumer.gather(ALL, consumer.claimed())).toBe(1);
  });

  it.each([
    ['2^31', 2 ** 31 - 20_000, 2 ** 31 - 20_000],
    ['2^32', 2 ** 32 - 20_000, 2 ** 32 - 20_000],
    ['2^53', 3, 2 ** 53 - 50_000],
  ])('carries records, units and sequences past %s', (_name, start, firstSequence) => {
    const shared = testShared();
    startRingAt(shared, start, start + 5);
    let sequence = firstSequence;
    const consumer = new RingConsumer(shared, sequence);
    expect(consumer.hasPublished()).toBe(false);
    let random = 12345;
    while (sequence < firstSequence + 40_000) {
      random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
      const bytes = 8 + ((random >>> 8) % 40) * 8;
      const claim = newClaim();
      if (tryClaim(shared, bytes, sequence + 1, true, claim) === CLAIM_OK) {
        sequence++;
        shared.ringBytes.fill(sequence, claim.byteOffset, claim.byteOffset + bytes);
        publishRecord(shared, claim);
        continue;
      }
      expect(consumer.gather(ALL, consumer.claimed())).toBeGreaterThan(0);
      const first = consumer.firstSequence;
      expect(shared.ringBytes[consumer.byteOffset]).toBe(first % 256);
      expect(shared.ringBytes[consumer.byteOffset + consumer.bytes - 1]).toBe(
        consumer.lastSequence % 256,
      );
      consumer.release();
    }
    while (consumer.gather(ALL, consumer.claimed()) > 0) consumer.release();
    expect(consumer.completedSequence).toBe(sequence);
  });

  it('crashes on a sequence out of order and on impossible sizes', () => {
    const shared = testShared();
    const consumer = new RingConsumer(shared, 0);
    expect(() => tryClaim(shared, 12, 1, true, newClaim())).toThrow(InvariantError);
    expect(() => tryClaim(shared, 0, 1, true, newClaim())).toThrow(InvariantError);
    expect(() => tryClaim(shared, 16 * KIB + 8, 1, true, newClaim())).toThrow(InvariantError);
    append(shared, 8, 2);
    expect(() => consumer.gather(ALL, consumer.claimed())).toThrow(InvariantError);
  });

  it('does not wait for an append lock whose holder poisoned the database', () => {
    const shared = testShared();
    lockAppend(shared);
    setFailure(shared, FAILURE_SYNC, 'EIO: fdatasync');
    let caught: unknown;
    try {
      lockAppend(shared);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ManifoldError);
    expect((caught as ManifoldError).code).toBe('ERR_MANIFOLD_POISONED');
    expect((caught as ManifoldError).message).toContain('EIO: fdatasync');
    unlockAppend(shared);
  });
});

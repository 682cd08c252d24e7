/**
 * Watermark rule and group formation (bugs B1 and B2 of the original): an acknowledged sequence
 * lies in the file and was covered by a sync that began after it was written there.
 */
import { describe, expect, it } from 'vitest';
import {
  BELL_RINGS,
  BELL_WORDS,
  BlockKind,
  KIB,
  PROGRESS_TEST_SWITCH,
  RecordKind,
  STAT_BLOCKS,
  STAT_GROUPS,
  STAT_LOG_BYTES,
  STAT_RECORDS,
  STAT_SYNCS,
  STAT_SYNC_NS,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  THREAD_APPLY,
  THREAD_MAIN,
  scanLog,
} from '@manifold-db/storage';
import { DATABASE_ID, DIRECTORY, Harness, readBlocks } from './harness.js';

function survivingSequences(harness: Harness): number[] {
  const disk = harness.disk.crash({ keep: 'none' });
  return readBlocks(disk.vfs(), 1).flatMap((block) => block.sequences);
}

describe('groups', () => {
  it('writes what is published as one block, then syncs it', () => {
    const harness = new Harness();
    for (let commit = 1; commit <= 3; commit++) harness.append(40);
    expect([harness.written, harness.synced]).toEqual([0, 0]);
    expect(harness.loop.step()).toBe('worked');
    expect([harness.written, harness.synced]).toEqual([3, 0]);
    expect(survivingSequences(harness)).toEqual([]);
    expect(harness.loop.step()).toBe('worked');
    expect([harness.written, harness.synced]).toEqual([3, 3]);
    expect(survivingSequences(harness)).toEqual([1, 2, 3]);
    const [block] = harness.blocks(1);
    expect(block).toMatchObject({ recordCount: 3, firstSequence: 1, lastSequence: 3 });
    expect(block).toMatchObject({ kind: BlockKind.DATA, syncedWatermark: 0 });
  });

  it('does not acknowledge what is appended between write and sync', () => {
    const harness = new Harness();
    harness.append(40);
    harness.loop.step();
    harness.append(40);
    harness.append(40);
    harness.loop.step();
    expect([harness.appended, harness.written, harness.synced]).toEqual([3, 1, 1]);
    expect(survivingSequences(harness)).toEqual([1]);
    harness.loop.step();
    expect([harness.written, harness.synced]).toEqual([3, 1]);
    harness.loop.step();
    expect(harness.synced).toBe(3);
    const data = harness.blocks(1).map((block) => [block.recordCount, block.syncedWatermark]);
    expect(data).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it('over-acknowledges when the test switch brings bug B1 back', () => {
    const harness = new Harness();
    harness.shared.progress[PROGRESS_TEST_SWITCH] = TEST_SWITCH_OVER_ACKNOWLEDGE;
    harness.append(40);
    harness.loop.step();
    harness.append(40);
    harness.loop.step();
    expect(harness.synced).toBe(2);
    expect(survivingSequences(harness)).toEqual([1]);
    harness.settle();
    expect(harness.synced).toBe(2);
  });

  it('waits for the record before: a later one, published first, is not written', () => {
    const harness = new Harness();
    const first = harness.claim(40);
    harness.append(40);
    expect(harness.settle()).toEqual(['idle']);
    expect([harness.appended, harness.written]).toEqual([2, 0]);
    harness.publish(first);
    harness.settle();
    expect(harness.synced).toBe(2);
    expect(harness.blocks(1)[0]!.sequences).toEqual([1, 2]);
  });

  it('counts a transaction only with its last fragment', () => {
    const harness = new Harness();
    harness.append(40);
    harness.append(400, RecordKind.FIRST);
    harness.append(400, RecordKind.MIDDLE);
    harness.settle();
    expect([harness.written, harness.synced]).toEqual([1, 1]);
    harness.append(80, RecordKind.LAST);
    harness.settle();
    expect([harness.written, harness.synced]).toEqual([2, 2]);
    const delivered: [number, number][] = [];
    const options = { databaseId: DATABASE_ID, fromSequence: 0, oldestSegment: 1 };
    scanLog(harness.vfs, DIRECTORY, options, {
      transaction: (sequence, _opCount, payload) => {
        expect(payload.every((byte) => byte === sequence)).toBe(true);
        delivered.push([sequence, payload.length]);
      },
    });
    expect(delivered).toEqual([
      [1, 40],
      [2, 880],
    ]);
  });

  it('splits a group where the ring wraps', () => {
    const harness = new Harness({ sizes: { walSegmentBytes: 1024 * KIB } });
    const payloadBytes = 8 * KIB - 32;
    for (let commit = 1; commit <= 6; commit++) harness.append(payloadBytes);
    harness.settle();
    // 16 KiB are left before the end of the ring: two of these records, and a gap.
    for (let commit = 7; commit <= 9; commit++) harness.append(payloadBytes - 8);
    expect(harness.loop.step()).toBe('worked');
    expect(harness.written).toBe(9);
    const data = harness.blocks(1).filter((block) => block.kind === BlockKind.DATA);
    expect(data.map((block) => block.sequences)).toEqual([[1, 2, 3, 4, 5, 6], [7, 8], [9]]);
  });

  it('rings main at once, the apply workers before it sleeps, and keeps its figures', () => {
    const harness = new Harness();
    const rings = (thread: number): number => {
      return harness.shared.bells[thread * BELL_WORDS + BELL_RINGS]!;
    };
    harness.append(40);
    const mainRings = rings(THREAD_MAIN);
    harness.loop.step();
    expect(rings(THREAD_MAIN)).toBe(mainRings + 1);
    expect(rings(THREAD_APPLY)).toBe(0);
    harness.loop.step();
    expect(rings(THREAD_MAIN)).toBe(mainRings + 2);
    expect(rings(THREAD_APPLY)).toBe(0);
    harness.loop.ringApplyWorkers();
    harness.loop.ringApplyWorkers();
    expect([rings(THREAD_APPLY), rings(THREAD_APPLY + 1)]).toEqual([1, 1]);
    expect(rings(THREAD_APPLY + 2)).toBe(0);
    const { statistics } = harness.shared;
    expect([statistics[STAT_SYNCS], statistics[STAT_GROUPS], statistics[STAT_BLOCKS]]).toEqual([
      1, 1, 1,
    ]);
    expect([statistics[STAT_RECORDS], statistics[STAT_LOG_BYTES]]).toEqual([1, 64 + 32 + 40]);
    expect(statistics[STAT_SYNC_NS]).toBeGreaterThan(0);
  });

  it('rings the apply workers now and then when it never sleeps', () => {
    const harness = new Harness();
    const rings = (): number => harness.shared.bells[THREAD_APPLY * BELL_WORDS + BELL_RINGS]!;
    const ringsAfter: number[] = [];
    for (let commit = 1; commit <= 64; commit++) {
      harness.append(40);
      harness.loop.step();
      harness.loop.step();
      ringsAfter.push(rings());
    }
    expect([ringsAfter[30], ringsAfter[31], ringsAfter[62], ringsAfter[63]]).toEqual([0, 1, 1, 2]);
  });

  it('stamps blocks with a clock that never goes back', () => {
    let now = 1000;
    const harness = new Harness({ wallClockMs: () => now });
    harness.append(40);
    harness.settle();
    now = 400;
    harness.append(40);
    harness.settle();
    now = 2000;
    harness.append(40);
    harness.settle();
    const data = harness.blocks(1).filter((block) => block.kind === BlockKind.DATA);
    expect(data.map((block) => block.timestampMs)).toEqual([1000, 1000, 2000]);
  });
});

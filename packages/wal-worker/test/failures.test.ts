/**
 * I/O errors of the fsync worker (bugs B3 and B9 of the original): one failure poisons, wakes
 * everyone, and is never retried; nothing is written behind garbage.
 */
import { describe, expect, it } from 'vitest';
import {
  BELL_RINGS,
  BELL_WORDS,
  FAILURE_LOG_WRITE,
  FAILURE_SYNC,
  PROGRESS_SHUTDOWN,
  PROGRESS_TEST_SWITCH,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_LOST_LEADER,
  THREADS_MAX,
  createFaultVfs,
  readFailure,
  recordBytesMax,
  setFailure,
  scanLog,
  type FaultRule,
} from '@manifold-db/storage';
import { DATABASE_ID, DIRECTORY, Harness, SIZES } from './harness.js';

function faulty(rule: FaultRule): Harness {
  return new Harness({ wrapVfs: (vfs) => createFaultVfs(vfs, [rule]) });
}

function ringsOfAll(harness: Harness): number[] {
  const rings: number[] = [];
  for (let thread = 0; thread < THREADS_MAX; thread++) {
    rings.push(harness.shared.bells[thread * BELL_WORDS + BELL_RINGS]!);
  }
  return rings;
}

function recoveredSequences(harness: Harness): number[] {
  const sequences: number[] = [];
  const options = { databaseId: DATABASE_ID, fromSequence: 0, oldestSegment: 1 };
  const disk = harness.disk.crash({ keep: 'all' });
  scanLog(disk.vfs(), DIRECTORY, options, {
    transaction: (sequence) => sequences.push(sequence),
  });
  return sequences;
}

describe('a failed sync', () => {
  it('poisons, wakes everyone, acknowledges nothing and is not retried', () => {
    const harness = faulty({ operation: 'dataSync', errno: 'EIO', afterCalls: 1, times: 1 });
    harness.append(40);
    harness.settle();
    harness.loop.ringApplyWorkers();
    harness.append(40);
    harness.loop.step();
    const before = ringsOfAll(harness);
    expect(harness.loop.step()).toBe('stopped');
    expect(ringsOfAll(harness)).toEqual(before.map((rings) => rings + 1));
    expect([harness.written, harness.synced]).toEqual([2, 1]);
    const failure = readFailure(harness.shared)!;
    expect(failure.code).toBe(FAILURE_SYNC);
    expect(failure.text).toContain('EIO');
    expect(failure.text).toContain('wal-0000000001.log');
    // The disk would work again; the loop does not come back.
    const operations = harness.disk.operationCount;
    expect(harness.settle()).toEqual(['stopped']);
    expect(harness.disk.operationCount).toBe(operations);
    expect(harness.synced).toBe(1);
  });

  it('tells nobody, and hangs, when the test switch brings bug B3 back', () => {
    const harness = faulty({ operation: 'dataSync', errno: 'EIO', times: 1 });
    harness.shared.progress[PROGRESS_TEST_SWITCH] = TEST_SWITCH_LOST_LEADER;
    harness.append(40);
    harness.loop.step();
    const before = ringsOfAll(harness);
    expect(harness.settle()).toEqual(['idle']);
    expect(ringsOfAll(harness)).toEqual(before);
    expect(readFailure(harness.shared)).toBeUndefined();
    harness.append(40);
    harness.shared.progress[PROGRESS_SHUTDOWN] = SHUTDOWN_DRAIN;
    expect(harness.settle()).toEqual(['idle']);
    expect(harness.loop.hasWork()).toBe(false);
    harness.shared.progress[PROGRESS_SHUTDOWN] = SHUTDOWN_NOW;
    expect(harness.settle()).toEqual(['stopped']);
  });
});

describe('a failed write into claimed space', () => {
  it.each(['EIO', 'ENOSPC', 'EDQUOT'] as const)('poisons: %s', (errno) => {
    const rule = { operation: 'write', errno, afterCalls: 2, times: 1, partialBytes: 70 } as const;
    const harness = faulty(rule);
    harness.append(40);
    harness.settle();
    harness.append(40);
    expect(harness.loop.step()).toBe('stopped');
    expect([harness.written, harness.synced]).toEqual([1, 1]);
    const failure = readFailure(harness.shared)!;
    expect(failure.code).toBe(FAILURE_LOG_WRITE);
    expect(failure.text).toContain(errno);
    expect(recoveredSequences(harness)).toEqual([1]);
  });

  it('hides acknowledged commits when the test switch brings bug B9 back', () => {
    const rule = {
      operation: 'write',
      errno: 'EIO',
      afterCalls: 2,
      times: 1,
      partialBytes: 70,
    } as const;
    const harness = faulty(rule);
    harness.shared.progress[PROGRESS_TEST_SWITCH] = TEST_SWITCH_APPEND_BEHIND_GARBAGE;
    harness.append(40);
    harness.settle();
    harness.append(40);
    harness.loop.step();
    harness.loop.step();
    expect(readFailure(harness.shared)).toBeUndefined();
    expect(harness.synced).toBe(2);
    // Acknowledged, and not found again.
    expect(recoveredSequences(harness)).toEqual([1]);
  });
});

describe('other failures', () => {
  it('of opening the next segment poison', () => {
    const rule = { operation: 'open', errno: 'EACCES', pathIncludes: '0002.log' } as const;
    const harness = faulty(rule);
    for (let commit = 1; commit <= 4; commit++) harness.append(recordBytesMax(SIZES) - 32);
    expect(harness.settle().at(-1)).toBe('stopped');
    expect(readFailure(harness.shared)!.code).toBe(FAILURE_LOG_WRITE);
    expect(harness.synced).toBe(3);
  });

  it('of another thread stop the loop at its next step', () => {
    const harness = new Harness();
    harness.append(40);
    harness.loop.step();
    setFailure(harness.shared, FAILURE_LOG_WRITE, 'elsewhere');
    expect(harness.loop.hasWork()).toBe(true);
    expect(harness.settle()).toEqual(['stopped']);
    expect(harness.synced).toBe(0);
  });

  it('that are no file errors go on up: the simulator cuts the power by throwing', () => {
    const harness = new Harness();
    harness.append(40);
    harness.disk.onOperation = () => {
      throw new Error('power cut');
    };
    expect(() => harness.loop.step()).toThrow('power cut');
    expect(readFailure(harness.shared)).toBeUndefined();
  });
});

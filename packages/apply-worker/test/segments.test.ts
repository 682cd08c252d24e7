/**
 * Log segments beside the one being written: made ready, recycled, given up; disks that fill up.
 */
import { describe, expect, it } from 'vitest';
import {
  FAILURE_DATA_WRITE,
  FAILURE_LOCK_LOST,
  LOG_FULL,
  LOG_OLDEST_SEGMENT,
  LOG_PREPARED_SEGMENT,
  LOG_WANTED_SEGMENTS,
  LOG_WRITING_SEGMENT,
  PROGRESS_SHUTDOWN,
  REASON_REQUEST,
  SEGMENT_HEADER_BYTES,
  SEGMENT_RECYCLED_NAME,
  SHUTDOWN_DRAIN,
  TEST_SWITCH_RECYCLE_EARLY,
  THREAD_APPLY,
  createFaultVfs,
  decodeSegmentHeader,
  parseSegmentFileName,
  ringBell,
  segmentFileName,
  type FaultRule,
  type Vfs,
} from '@manifold-db/storage';
import { DIRECTORY, Harness, SIZES, entries } from './harness.js';

function newHarness(options: ConstructorParameters<typeof Harness>[0] = {}): Harness {
  const harness = new Harness(options);
  harness.createFamily(0, 1, 'default');
  return harness;
}

function segmentNumbers(vfs: Vfs): number[] {
  return vfs
    .list(DIRECTORY)
    .map(parseSegmentFileName)
    .filter((number) => number !== undefined);
}

/** A file system that fails while the gate is open. */
function gatedFaults(rule: Omit<FaultRule, 'gate'>) {
  const gate = new SharedArrayBuffer(4);
  const word = new Int32Array(gate);
  return {
    wrapVfs: (vfs: Vfs) => createFaultVfs(vfs, [{ ...rule, gate }]),
    open: () => Atomics.store(word, 0, 1),
    close: () => Atomics.store(word, 0, 0),
  };
}

describe('segments', () => {
  it('are made ready ahead, durable before they are published', () => {
    const harness = newHarness({ init: { segmentsAheadTarget: 3 } });
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(4);
    // A database that fills segments keeps more of them ready, up to the target.
    harness.nextSegment();
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(5);
    const vfs = harness.disk.crash({ keep: 'none' }).vfs();
    expect(segmentNumbers(vfs)).toEqual([1, 2, 3, 4, 5]);
    const salts = new Set<number>();
    for (const number of [2, 3, 4, 5]) {
      const path = `${DIRECTORY}/${segmentFileName(number)}`;
      const file = vfs.open(path, 'read');
      expect(file.size()).toBe(SIZES.walSegmentBytes);
      const header = new Uint8Array(SEGMENT_HEADER_BYTES);
      file.read(header, 0);
      file.close();
      const decoded = decodeSegmentHeader(header, path);
      expect(decoded).toMatchObject({ state: 'valid', header: { segmentNumber: number } });
      if (decoded.state === 'valid') salts.add(decoded.header.salt);
    }
    expect(salts.size).toBe(4);
  });

  it('are made ready when more are asked for', () => {
    const harness = newHarness();
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(2);
    Atomics.store(harness.shared.logSpace, LOG_WANTED_SEGMENTS, 5);
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(6);
  });

  it('are recycled once a durable meta page does not need them, and not before', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: { a: '1' } });
    harness.nextSegment();
    harness.runUntilIdle();
    // Segment 2 holds commit 2, which is not in the checkpoint that is taken now.
    harness.commit({ 0: { a: '2' } });
    harness.nextSegment();
    harness.runUntilIdle();
    const operations: string[] = [];
    harness.disk.onOperation = (_index, description) => operations.push(description);
    harness.takeCheckpoint();
    harness.nextSegment();
    harness.runUntilIdle();
    expect(harness.logWord(LOG_OLDEST_SEGMENT)).toBe(2);
    const metaSync = operations.findLastIndex((text) => text.startsWith('sync /db/data.manifold'));
    const renames = operations.filter((text) => text.startsWith('rename'));
    const recycled = `${DIRECTORY}/${SEGMENT_RECYCLED_NAME}`;
    expect(renames).toEqual([
      `rename ${DIRECTORY}/wal-0000000001.log ${recycled}`,
      `rename ${recycled} ${DIRECTORY}/wal-0000000005.log`,
    ]);
    expect(operations.indexOf(renames[0]!)).toBeGreaterThan(metaSync);
    expect(segmentNumbers(harness.vfs)).toEqual([2, 3, 4, 5]);
  });

  it('are found to be recycled too early when the bug is back (B4)', () => {
    const lost = (bug: number): number[] => {
      const harness = newHarness();
      harness.switchBugOn(bug);
      harness.commitAndApply({ 0: { a: '1' } });
      harness.nextSegment();
      harness.runUntilIdle();
      harness.commit({ 0: { a: '2' } });
      harness.nextSegment();
      harness.runUntilIdle();
      harness.takeCheckpoint();
      for (let i = 0; i < 2; i++) {
        harness.nextSegment();
        harness.runUntilIdle();
      }
      // Commit 2 is acknowledged, in no checkpoint, and stands in segment 2.
      return [2].filter((segment) => !segmentNumbers(harness.vfs).includes(segment));
    };
    expect(lost(0)).toEqual([]);
    expect(lost(TEST_SWITCH_RECYCLE_EARLY)).toEqual([2]);
  });

  it('never take more than walBytesMax: a checkpoint gives them back instead', () => {
    const harness = newHarness({ sizes: { walBytesMax: 6 * SIZES.walSegmentBytes } });
    for (let i = 0; i < 40; i++) {
      harness.commitAndApply({ 0: { key: String(i) } });
      harness.runUntil(
        () => harness.logWord(LOG_PREPARED_SEGMENT) > harness.logWord(LOG_WRITING_SEGMENT),
      );
      harness.nextSegment();
      harness.runUntilIdle();
      expect(segmentNumbers(harness.vfs).length).toBeLessThanOrEqual(6);
    }
    expect(harness.checkpointed).toBeGreaterThan(30);
  });

  it('that only a checkpoint can provide are not slept over', () => {
    const harness = newHarness({ sizes: { walBytesMax: 6 * SIZES.walSegmentBytes } });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.nextSegment();
    harness.runUntilIdle();
    // As a large transaction asks for them, after the worker's last look and before it sleeps.
    Atomics.store(harness.shared.logSpace, LOG_WANTED_SEGMENTS, 5);
    while (harness.step()) {
      // A step that did nothing is the last one before the sleep, and nobody rings any more.
    }
    expect(harness.checkpointed).toBe(1);
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(7);
  });

  it('with the name of a segment to be made are recycled in place, others are kept', () => {
    const disk = newHarness().disk;
    const vfs = disk.vfs();
    const names = [segmentFileName(2), segmentFileName(9), segmentFileName(1)];
    for (const name of names.slice(0, 2)) {
      const file = vfs.open(`${DIRECTORY}/${name}`, 'create');
      file.truncate(SIZES.walSegmentBytes);
      file.close();
    }
    // Segment 1 is live; that recovery calls it obsolete must not matter.
    const harness = newHarness({ disk, init: { obsoleteSegments: names, segmentsAheadTarget: 2 } });
    harness.runUntilIdle();
    expect(segmentNumbers(vfs)).toEqual([1, 2, 3]);
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(3);
    expect(harness.failure).toBeUndefined();
  });

  it('of another size are removed, not recycled', () => {
    const disk = newHarness().disk;
    const vfs = disk.vfs();
    const file = vfs.open(`${DIRECTORY}/${segmentFileName(7)}`, 'create');
    file.truncate(SIZES.walSegmentBytes * 2);
    file.close();
    const harness = newHarness({ disk, init: { obsoleteSegments: [segmentFileName(7)] } });
    harness.runUntilIdle();
    expect(segmentNumbers(vfs)).toEqual([1, 2]);
  });
});

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT'] as const)('stops segments without poison (%s)', (errno) => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'wal-new.tmp', errno });
    faults.open();
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.runUntilIdle();
    expect(harness.failure).toBeUndefined();
    expect(harness.logWord(LOG_FULL)).toBe(1);
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(1);
    // Commits that have log space still go through.
    harness.commitAndApply({ 0: { a: '1' } });
    expect(harness.applied).toBe(1);
    // Nothing is left that takes space.
    expect(harness.vfs.list(DIRECTORY)).not.toContain('wal-new.tmp');
    faults.close();
    ringBell(harness.shared.bells, THREAD_APPLY, REASON_REQUEST);
    harness.runUntilIdle();
    expect(harness.logWord(LOG_FULL)).toBe(0);
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(2);
  });

  it('cuts no header of a segment short: a recycled one has its name last', () => {
    const rule = { operation: 'write', pathIncludes: 'wal-', errno: 'ENOSPC' } as const;
    const faults = gatedFaults({ ...rule, partialBytes: SEGMENT_HEADER_BYTES / 2 });
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.nextSegment();
    harness.runUntilIdle();
    harness.commitAndApply({ 0: { a: '2' } });
    faults.open();
    harness.takeCheckpoint();
    harness.nextSegment();
    harness.runUntilIdle();
    expect(harness.logWord(LOG_FULL)).toBe(1);
    const prepared = harness.logWord(LOG_PREPARED_SEGMENT);
    const damaged = (): string[] => {
      return harness.vfs
        .list(DIRECTORY)
        .filter((name) => parseSegmentFileName(name) !== undefined)
        .filter((name) => {
          const header = new Uint8Array(SEGMENT_HEADER_BYTES);
          const path = `${DIRECTORY}/${name}`;
          harness.vfs.open(path, 'read').read(header, 0);
          return decodeSegmentHeader(header, path).state !== 'valid';
        });
    };
    expect(damaged()).toEqual([]);
    expect(harness.vfs.list(DIRECTORY)).toContain(SEGMENT_RECYCLED_NAME);
    faults.close();
    ringBell(harness.shared.bells, THREAD_APPLY, REASON_REQUEST);
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(prepared + 1);
    expect(damaged()).toEqual([]);
    expect(harness.vfs.list(DIRECTORY)).not.toContain(SEGMENT_RECYCLED_NAME);
  });

  it('is tried again after some time when nobody rings', () => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'wal-new', errno: 'ENOSPC' });
    faults.open();
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.runUntilIdle();
    faults.close();
    const before = harness.disk.operationCount;
    harness.runUntilIdle();
    expect(harness.disk.operationCount).toBe(before);
    harness.nowMs += harness.loops[0]!.sleepMs();
    harness.runUntilIdle();
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(2);
  });

  it('stops a checkpoint, which goes on when there is room', () => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'data', errno: 'ENOSPC' });
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.commitAndApply({ 0: entries('k', 300, 100) });
    faults.open();
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.failure).toBeUndefined();
    expect(harness.logWord(LOG_FULL)).toBe(1);
    expect(harness.isCheckpointAnswered).toBe(false);
    const later = harness.commitAndApply({ 0: { k000001: 'later' } });
    expect(harness.applied).toBe(later);
    faults.close();
    harness.nowMs += 1000;
    harness.runUntilIdle();
    expect(harness.isCheckpointAnswered).toBe(true);
    expect(harness.logWord(LOG_FULL)).toBe(0);
    const reopened = new Harness({ disk: harness.disk.crash({ keep: 'none' }) });
    expect(reopened.admittedContent()).toEqual(harness.history.get(later - 1));
  });
});

describe('closing on a full disk', () => {
  it('ends without the last checkpoint: the log has what is missing', () => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'data', errno: 'ENOSPC' });
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.takeCheckpoint();
    harness.commitAndApply({ 0: { a: '2' } });
    faults.open();
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    harness.runUntilIdle();
    expect(harness.loops[0]!.step()).toBe('stopped');
    expect(harness.failure).toBeUndefined();
    expect(harness.checkpointed).toBe(1);
    const reopened = new Harness({ disk: harness.disk });
    expect(reopened.admittedContent()).toEqual(harness.history.get(1));
  });
});

describe('failures', () => {
  it.each([
    ['a segment cannot be written', { operation: 'write', pathIncludes: 'wal-' }],
    ['a segment cannot be synced', { operation: 'sync', pathIncludes: 'wal-' }],
    ['a page cannot be written', { operation: 'write', pathIncludes: 'data' }],
    ['pages cannot be synced', { operation: 'dataSync', pathIncludes: 'data' }],
    ['the meta page cannot be synced', { operation: 'sync', pathIncludes: 'data', afterCalls: 1 }],
  ] as const)('poison the database: %s', (_name, rule) => {
    const faults = gatedFaults({ ...rule, errno: 'EIO' });
    const harness = newHarness({ wrapVfs: faults.wrapVfs });
    harness.commitAndApply({ 0: entries('k', 300, 100) });
    faults.open();
    Atomics.store(harness.shared.logSpace, LOG_WANTED_SEGMENTS, 3);
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.failure?.code).toBe(FAILURE_DATA_WRITE);
    expect(harness.failure?.text).toContain('EIO');
    expect(harness.loops[0]!.step()).toBe('stopped');
    const before = harness.disk.operationCount;
    faults.close();
    harness.runUntilIdle();
    // No second try, ever.
    expect(harness.disk.operationCount).toBe(before);
    expect(harness.checkpointed).toBe(0);
  });

  it('poison the database when the lock was taken over, before the meta page', () => {
    const harness = newHarness({ init: { lockNonce: 'somebody else has the lock' } });
    harness.runUntilIdle();
    expect(harness.failure?.code).toBe(FAILURE_LOCK_LOST);
    expect(harness.logWord(LOG_PREPARED_SEGMENT)).toBe(1);
  });
});

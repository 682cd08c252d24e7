/**
 * Tail or damage? What may be cut, what must be reported, and that a cut holds for ever.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManifoldError } from '../errors.js';
import { BLOCK_HEADER_BYTES, EndReason } from '../format/block.js';
import { SEGMENT_DATA_OFFSET, segmentFileName } from '../format/segment.js';
import { createFaultVfs } from '../vfs/fault.js';
import { scanLog } from './scanner.js';
import { cutTail } from './tail-cut.js';
import { TEST_DIRECTORY, TEST_SEGMENT_BYTES, TestLog } from './test-log.js';
import { errorOf, scan, type Scanned } from './test-scan.js';

/** Cuts the tail, and checks that cutting is idempotent and that a second scan agrees. */
function cutAndRescan(log: TestLog, first: Scanned, fromSequence = 0): Scanned {
  const next = cutTail(log.vfs, TEST_DIRECTORY, first.tail);
  expect(cutTail(log.vfs, TEST_DIRECTORY, first.tail)).toEqual(next);
  const second = scan(log, fromSequence);
  expect(second.sequences).toEqual(first.sequences);
  expect(second.lastSequence).toBe(first.lastSequence);
  expect(second.tail.needsCut).toBe(false);
  expect({ segmentNumber: second.tail.segmentNumber, offset: second.tail.offset }).toEqual(next);
  return second;
}

/** Commit 1, an unreadable block with commit 2, and a segment for each of the commits behind. */
function logWithLostBlock(...behind: number[]): TestLog {
  const log = new TestLog();
  log.data(0, 1);
  const lost = log.data(1, 2);
  for (const sequence of behind) {
    log.roll(1);
    log.data(1, sequence);
  }
  log.damage(lost, BLOCK_HEADER_BYTES, 1);
  return log;
}

describe('a torn tail', () => {
  it('of one torn block is cut', () => {
    const log = new TestLog();
    log.data(0, 1);
    log.data(1, 2);
    const torn = log.data(1, 3, 4);
    log.damage(torn + BLOCK_HEADER_BYTES + 60);
    const result = scan(log);
    expect(result.sequences).toEqual([1, 2]);
    expect(result.tail).toMatchObject({
      segmentNumber: 1,
      offset: torn,
      reason: 'torn-block',
      cutBlocks: 1,
      cutBytes: BLOCK_HEADER_BYTES + 96,
      needsCut: true,
    });
    const after = cutAndRescan(log, result);
    expect(after.tail).toMatchObject({ segmentNumber: 2, fileName: undefined });
  });

  it('may hide valid blocks behind it: unsynced writes reorder', () => {
    const log = new TestLog();
    log.data(0, 1);
    const lost = log.data(1, 2);
    log.data(1, 3);
    log.roll(1);
    log.data(1, 4);
    log.damage(lost, BLOCK_HEADER_BYTES, 1);
    const result = scan(log);
    expect(result.sequences).toEqual([1]);
    expect(result.tail).toMatchObject({ reason: 'missing-block', cutBlocks: 3 });
    expect(result.tail.surplus).toEqual([segmentFileName(2)]);
    expect(result.segments.map((segment) => segment.role)).toEqual(['live', 'obsolete']);
    cutAndRescan(log, result);
    const roles = scan(log).segments.map(({ number, role }) => [number, role]);
    expect(roles).toEqual([[1, 'live']]);
  });

  it('never counts again after the cut, even when a new log meets it exactly', () => {
    const log = logWithLostBlock(3, 4);
    const after = cutAndRescan(log, scan(log));
    log.lastSequence = 1;
    log.segment(after.tail.segmentNumber);
    log.data(1, 2, 3);
    log.end(3, EndReason.CUT);
    expect(scan(log).sequences).toEqual([1, 2, 3]);
  });

  it('in a prepared, empty segment behind it leaves that segment usable', () => {
    const log = new TestLog();
    log.data(0, 1);
    const torn = log.data(1, 2);
    log.segment(2);
    log.segment(3);
    log.damage(torn + BLOCK_HEADER_BYTES + 8, 8, 1);
    const result = scan(log);
    expect(result.segments.map((segment) => segment.role)).toEqual([
      'live',
      'prepared',
      'prepared',
    ]);
    const after = cutAndRescan(log, result);
    expect(after.tail).toMatchObject({ segmentNumber: 2, fileName: segmentFileName(2) });
  });

  it('is no damage when the cut is cut short by a full disk, wherever', () => {
    const log = logWithLostBlock(3);
    const { tail } = scan(log);
    const rule = { operation: 'write', errno: 'ENOSPC', partialBytes: 32 } as const;
    for (let afterCalls = 0; ; afterCalls++) {
      const vfs = createFaultVfs(log.disk.crash({ keep: 'all' }).vfs(), [{ ...rule, afterCalls }]);
      let isDone = true;
      try {
        cutTail(vfs, TEST_DIRECTORY, tail);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
        isDone = false;
      }
      const again = scan({ vfs });
      expect(again.sequences).toEqual([1]);
      if (isDone) break;
    }
  });

  it('may be cut by a process that dies at any point', () => {
    const log = logWithLostBlock(3, 4);
    for (let number = 1; number <= 3; number += 1) log.vfs.open(log.path(number), 'read').sync();
    log.vfs.syncDirectory(TEST_DIRECTORY);
    log.vfs.syncDirectory('/');
    const tail = scan(log).tail;
    let states = 0;
    log.disk.onOperation = () => {
      const changes = log.disk.pendingWrites().length;
      for (let index = 0; index <= changes; index += 1) {
        const crashed = log.disk.crash(index === 0 ? { keep: 'none' } : { keepOnly: index - 1 });
        const vfs = crashed.vfs();
        const result = scan({ vfs });
        expect(result.sequences).toEqual([1]);
        cutTail(vfs, TEST_DIRECTORY, result.tail);
        expect(scan({ vfs }).sequences).toEqual([1]);
        states += 1;
      }
    };
    cutTail(log.vfs, TEST_DIRECTORY, tail);
    expect(states).toBeGreaterThan(8);
  });
});

describe('damage', () => {
  /** Blocks with the sequences 1 to 5, each synced before the next was written. */
  function synced(): { log: TestLog; offsets: number[] } {
    const log = new TestLog();
    const offsets = [1, 2, 3].map((sequence) => log.data(sequence - 1, sequence));
    log.roll(3);
    offsets.push(log.data(3, 4), log.data(4, 5));
    return { log, offsets };
  }

  it('below a surviving watermark is reported, with its place, and nothing is changed', () => {
    const { log, offsets } = synced();
    log.damage(offsets[1] + 4, 1, 1);
    const operations = log.disk.operationCount;
    const error = errorOf(() => scan(log));
    expect(error.code).toBe('ERR_MANIFOLD_CORRUPT');
    expect(error.path).toBe(log.path(1));
    expect(error.offset).toBe(offsets[1]);
    expect(log.disk.operationCount).toBe(operations);
  });

  it('is found in every acknowledged byte', () => {
    const { log } = synced();
    log.watermark(5);
    let corrupt = 0;
    for (const [number, end] of [
      [1, SEGMENT_DATA_OFFSET + 4 * BLOCK_HEADER_BYTES + 3 * 48],
      [2, SEGMENT_DATA_OFFSET + 2 * BLOCK_HEADER_BYTES + 2 * 48],
    ]) {
      for (let bit = 5; bit < end * 8; bit += 11) {
        // The last bytes of a segment header are padding under no checksum.
        if (bit >>> 3 >= 52 && bit >>> 3 < SEGMENT_DATA_OFFSET) continue;
        const crashed = log.disk.crash({ keep: 'all' });
        crashed.flipBit(log.path(number), bit >>> 3, bit & 7);
        const { code } = errorOf(() => scan({ vfs: crashed.vfs() }));
        expect(['ERR_MANIFOLD_CORRUPT', 'ERR_MANIFOLD_FORMAT']).toContain(code);
        corrupt += 1;
      }
    }
    expect(corrupt).toBeGreaterThan(400);
  });

  it('of the last group needs the watermark block as its witness', () => {
    const { log, offsets } = synced();
    log.damage(offsets[4] + BLOCK_HEADER_BYTES + 8);
    expect(scan(log).lastSequence).toBe(4);
    const other = synced();
    const witness = other.log.watermark(5);
    other.log.damage(other.offsets[4] + BLOCK_HEADER_BYTES + 8);
    expect(errorOf(() => scan(other.log)).offset).toBe(other.offsets[4]);
    other.log.damage(witness, BLOCK_HEADER_BYTES, 2, 0);
    expect(scan(other.log).lastSequence).toBe(4);
  });

  it('has a witness in a block whose own payload is torn', () => {
    const { log, offsets } = synced();
    const torn = log.data(5, 6);
    log.damage(offsets[4], BLOCK_HEADER_BYTES);
    log.damage(torn + BLOCK_HEADER_BYTES + 8);
    expect(errorOf(() => scan(log)).offset).toBe(offsets[4]);
  });

  it('below the checkpoint is damage too', () => {
    const { log, offsets } = synced();
    log.damage(offsets[1], BLOCK_HEADER_BYTES, 1);
    log.damage(SEGMENT_DATA_OFFSET, 2 * BLOCK_HEADER_BYTES + 96, 2, 0);
    expect(errorOf(() => scan(log, 3)).offset).toBe(offsets[1]);
    const first = synced();
    first.log.damage(first.offsets[0], BLOCK_HEADER_BYTES, 1);
    expect(errorOf(() => scan(first.log, 5)).offset).toBe(first.offsets[0]);
  });

  it('is a segment that is missing, cut, extended or zeroed', () => {
    const change: ((log: TestLog, path: string) => void)[] = [
      (log, path) => log.vfs.remove(path),
      (log, path) => log.vfs.open(path, 'read-write').truncate(TEST_SEGMENT_BYTES - 8),
      (log, path) => log.vfs.open(path, 'read-write').truncate(0),
      (log, path) => log.vfs.open(path, 'read-write').truncate(TEST_SEGMENT_BYTES + 8),
      (log) => log.damage(0, TEST_SEGMENT_BYTES, 2, 0),
      (log) => log.damage(0, SEGMENT_DATA_OFFSET, 2, 0),
      (log) => log.damage(0, SEGMENT_DATA_OFFSET, 2),
    ];
    for (const damage of change) {
      const { log } = synced();
      damage(log, log.path(2));
      const error = errorOf(() => scan(log));
      expect([error.code, error.path]).toEqual(['ERR_MANIFOLD_CORRUPT', log.path(2)]);
      const again = synced();
      damage(again.log, again.log.path(2));
      expect(errorOf(() => scan(again.log, 3, 2)).code).toBe('ERR_MANIFOLD_CORRUPT');
    }
  });

  it('is a gap behind the checkpoint', () => {
    const log = new TestLog(3, 110);
    log.data(110, 111, 112);
    expect(scan(log, 110, 3).sequences).toEqual([111, 112]);
    expect(scan(log, 111, 3).sequences).toEqual([112]);
    expect(errorOf(() => scan(log, 109, 3)).message).toContain('calls sequence 110 synced');
    const unsynced = new TestLog(3, 110);
    unsynced.data(0, 111);
    expect(errorOf(() => scan(unsynced, 105, 3)).message).toContain('sequence 106 is missing');
  });

  it('is a watermark without its records', () => {
    const log = new TestLog(3, 110);
    log.watermark(110);
    expect(scan(log, 110, 3).lastSequence).toBe(110);
    expect(errorOf(() => scan(log, 100, 3)).code).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('is a segment header behind the tail that is neither readable nor blank', () => {
    const log = new TestLog();
    log.data(0, 1);
    const torn = log.data(1, 2);
    log.prepare(2);
    log.prepare(3);
    log.damage(torn + BLOCK_HEADER_BYTES + 8);
    log.damage(0, TEST_SEGMENT_BYTES, 2, 0);
    expect(scan(log).lastSequence).toBe(1);
    log.damage(10, 1, 3);
    const error = errorOf(() => scan(log));
    expect(error.path).toBe(log.path(3));
  });

  it('is a segment behind a cut whose file was cut off, however short', () => {
    for (const bytes of [0, 1, 40, 64, 100, SEGMENT_DATA_OFFSET, TEST_SEGMENT_BYTES - 1]) {
      const log = new TestLog();
      log.data(0, 1);
      const torn = log.data(1, 2);
      log.damage(torn + BLOCK_HEADER_BYTES + 8);
      const { tail } = cutAndRescan(log, scan(log));
      log.lastSequence = 1;
      log.segment(tail.segmentNumber);
      log.data(1, 2);
      expect(scan(log).lastSequence).toBe(2);
      const path = log.path(tail.segmentNumber);
      log.vfs.open(path, 'read-write').truncate(bytes);
      expect(errorOf(() => scan(log))).toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT', path });
    }
  });

  it('is a segment of another database', () => {
    const log = new TestLog();
    log.data(0, 1);
    const options = { databaseId: new Uint8Array(16), fromSequence: 0, oldestSegment: 1 };
    const error = errorOf(() =>
      scanLog(log.vfs, TEST_DIRECTORY, options, { transaction: () => {} }),
    );
    expect(error.message).toContain('another database');
  });
});

describe('power loss while the log is written', () => {
  it('keeps what was synced, whatever else survives', () => {
    const log = new TestLog();
    log.vfs.open(log.path(), 'read').sync();
    log.vfs.syncDirectory('/');
    log.vfs.syncDirectory(TEST_DIRECTORY);
    let syncedUpTo = 0;
    let states = 0;
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed / 2 ** 32;
    };
    log.disk.onOperation = () => {
      for (let round = 0; round < 4; round += 1) {
        const vfs = log.disk.crash({ random }).vfs();
        const result = scan({ vfs });
        expect(result.lastSequence).toBeGreaterThanOrEqual(syncedUpTo);
        cutTail(vfs, TEST_DIRECTORY, result.tail);
        expect(scan({ vfs }).lastSequence).toBe(result.lastSequence);
        states += 1;
      }
    };
    const sync = (): void => {
      const written = log.lastSequence;
      for (const name of log.vfs.list(TEST_DIRECTORY)) {
        log.vfs.open(`${TEST_DIRECTORY}/${name}`, 'read').dataSync();
      }
      syncedUpTo = written;
    };
    for (let sequence = 1; sequence <= 60; sequence += 1) {
      const payload = new Uint8Array(4 * (1 + (sequence % 90))).fill(sequence);
      log.data(syncedUpTo, { sequence, payload });
      if (sequence % 4 === 0) sync();
      if (sequence % 9 === 0) {
        prepareNext(log);
        log.roll(syncedUpTo);
      }
    }
    expect(states).toBeGreaterThan(300);
    expect(scan(log).lastSequence).toBe(60);
  });
});

/** The header of the next segment is durable before the END of this one is written. */
function prepareNext(log: TestLog): void {
  const next = log.segmentNumber + 1;
  log.prepare(next);
  log.vfs.open(log.path(next), 'read').sync();
  log.vfs.syncDirectory(TEST_DIRECTORY);
}

describe('any damage at all', () => {
  it('ends in a prefix or in a typed error', () => {
    const log = new TestLog();
    for (let sequence = 1; sequence <= 12; sequence += 1) {
      log.data(sequence - 1, sequence);
      if (sequence % 5 === 0) log.roll(sequence);
    }
    const flip = fc.record({
      number: fc.integer({ min: 1, max: 3 }),
      bit: fc.nat(1200 * 8 - 1),
    });
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const crashed = log.disk.crash({ keep: 'all' });
        for (const { number, bit } of flips) crashed.flipBit(log.path(number), bit >>> 3, bit & 7);
        let result: Scanned | undefined;
        try {
          result = scan({ vfs: crashed.vfs() });
        } catch (error) {
          expect((error as ManifoldError).code).toMatch(/^ERR_MANIFOLD_(CORRUPT|FORMAT)$/);
          return;
        }
        expect(result.sequences).toEqual(
          Array.from({ length: result.lastSequence }, (_, index) => index + 1),
        );
        // Sequence 12 is the only one no block calls synced. Several places at once may take the
        // witnesses with them.
        if (flips.length === 1) expect(result.lastSequence).toBeGreaterThanOrEqual(11);
      }),
      { numRuns: 300 },
    );
  });
});

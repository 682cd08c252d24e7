import { describe, expect, it } from 'vitest';
import { BLOCK_HEADER_BYTES, EndReason } from '../format/block.js';
import { RecordKind } from '../format/record.js';
import { SEGMENT_DATA_OFFSET, segmentFileName } from '../format/segment.js';
import { cutTail } from './tail-cut.js';
import { TEST_DIRECTORY, TestLog, testPayload } from './test-log.js';
import { errorOf, scan } from './test-scan.js';

describe('an undamaged log', () => {
  it('is delivered in order, over segments', () => {
    const log = new TestLog();
    log.data(0, 1, 2);
    log.data(2, 3);
    log.watermark(3);
    log.roll(3);
    log.data(3, 4);
    log.roll(4);
    const result = scan(log);
    expect(result.sequences).toEqual([1, 2, 3, 4]);
    expect(result.opCounts).toEqual([1, 1, 1, 1]);
    expect(result.payloads).toEqual([1, 2, 3, 4].map((n) => Buffer.from(testPayload(n))));
    expect(result.lastSequence).toBe(4);
    expect(result.highestWatermark).toBe(4);
    expect(result.tail).toMatchObject({
      segmentNumber: 3,
      offset: SEGMENT_DATA_OFFSET,
      fileName: segmentFileName(3),
      reason: 'end',
      needsCut: false,
      cutBlocks: 0,
    });
    expect(result.segments.map((segment) => segment.role)).toEqual(['live', 'live', 'live']);
    expect(result.recordBytes).toBe(4 * (32 + 16));
  });

  it('may be empty', () => {
    const result = scan(new TestLog(7, 100), 100, 7);
    expect(result.sequences).toEqual([]);
    expect(result.lastSequence).toBe(100);
    expect(result.highestWatermark).toBe(100);
  });

  it('skips what the checkpoint holds', () => {
    const log = new TestLog();
    log.data(0, 1, 2, 3, 4, 5);
    const result = scan(log, 3);
    expect(result.sequences).toEqual([4, 5]);
    expect(result.transactionCount).toBe(2);
    expect(scan(log, 5).sequences).toEqual([]);
  });

  it('fills a segment to the last byte without an END block', () => {
    const log = new TestLog();
    log.segment(1, SEGMENT_DATA_OFFSET + BLOCK_HEADER_BYTES + 48 + 40);
    log.data(0, 1);
    log.segment(2);
    log.data(1, 2);
    expect(scan(log).sequences).toEqual([1, 2]);
  });

  it('works with sequences beyond 32 bits', () => {
    const log = new TestLog(1, 2 ** 32 - 2);
    log.data(2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1);
    expect(scan(log, 2 ** 32 - 2).sequences).toEqual([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]);
  });
});

describe('large transactions', () => {
  const part = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

  function fragments(log: TestLog, count: number): void {
    log.data(0, 1, { sequence: 2, kind: RecordKind.FIRST, payload: part(16, 1) });
    for (let index = 1; index < count; index += 1) {
      if (index % 4 === 0) log.roll(1);
      log.data(1, { sequence: 2, kind: RecordKind.MIDDLE, payload: part(12, index) });
      if (index === 2) log.watermark(1);
    }
  }

  it('are joined from fragments over blocks and segments', () => {
    const log = new TestLog();
    fragments(log, 9);
    log.data(1, { sequence: 2, kind: RecordKind.LAST, payload: part(4, 99) }, 3);
    const result = scan(log);
    expect(result.sequences).toEqual([1, 2, 3]);
    expect(result.opCounts).toEqual([1, 1, 1]);
    expect(result.payloads[1]).toHaveLength(16 + 8 * 12 + 4);
    expect(result.payloads[1][16 + 12]).toBe(2);
    expect(result.payloads[1].at(-1)).toBe(99);
  });

  it('are cut whole when the last fragment is missing, and their sequence is used again', () => {
    const log = new TestLog();
    fragments(log, 6);
    const result = scan(log);
    expect(result.sequences).toEqual([1]);
    expect(result.lastSequence).toBe(1);
    expect(result.tail).toMatchObject({ reason: 'incomplete-transaction', needsCut: true });
    const next = cutTail(log.vfs, TEST_DIRECTORY, result.tail);
    expect(scan(log).sequences).toEqual([1]);
    log.lastSequence = 1;
    log.segment(next.segmentNumber);
    log.data(1, 2, 3);
    expect(scan(log).sequences).toEqual([1, 2, 3]);
    expect(scan(log).payloads[1]).toEqual(Buffer.from(testPayload(2)));
  });

  it('that were acknowledged must not lose their end', () => {
    const log = new TestLog();
    fragments(log, 3);
    const last = log.data(1, { sequence: 2, kind: RecordKind.LAST, payload: part(4, 9) });
    log.watermark(2);
    log.damage(last + BLOCK_HEADER_BYTES + 32);
    const error = errorOf(() => scan(log));
    expect([error.code, error.offset]).toEqual(['ERR_MANIFOLD_CORRUPT', last]);
  });

  it('that the checkpoint holds may have lost their start to recycling', () => {
    const log = new TestLog(1, 5);
    log.data(
      4,
      { sequence: 5, kind: RecordKind.MIDDLE },
      { sequence: 5, kind: RecordKind.LAST },
      6,
    );
    expect(scan(log, 5).sequences).toEqual([6]);
    expect(errorOf(() => scan(log, 4)).code).toBe('ERR_MANIFOLD_CORRUPT');
  });
});

describe('recycled segments', () => {
  it('do not show their old blocks', () => {
    const log = new TestLog();
    log.data(0, 1);
    log.data(1, 2);
    log.data(2, 3);
    log.roll(3);
    log.data(3, 4);
    log.vfs.rename(log.path(1), log.path(3));
    log.segment(3);
    log.segmentNumber = 2;
    expect(scan(log, 3, 2).sequences).toEqual([4]);
    expect(scan(log, 3, 2).tail).toMatchObject({ reason: 'end', needsCut: false });
    expect(scan(log, 3, 2).segments.map((segment) => segment.role)).toEqual(['live', 'prepared']);
  });

  it('count by the number in the header while they are being recycled', () => {
    const log = new TestLog();
    log.data(0, 1);
    log.roll(1);
    log.data(1, 2);
    log.vfs.rename(log.path(1), log.path(9));
    const renamed = scan(log, 1, 2);
    expect(renamed.sequences).toEqual([2]);
    expect(renamed.segments).toContainEqual({
      fileName: segmentFileName(9),
      number: 1,
      role: 'obsolete',
    });
    log.vfs.rename(log.path(2), log.path(5));
    expect(scan(log, 1, 2).sequences).toEqual([2]);
    expect(scan(log, 1, 2).tail.fileName).toBe(segmentFileName(5));
  });

  it('twice under one number: an empty double is obsolete, a full one is damage', () => {
    const log = new TestLog();
    log.data(0, 1);
    log.segment(2);
    log.vfs.rename(log.path(2), log.path(7));
    log.segment(2);
    const roles = scan(log).segments.map(({ fileName, role }) => [fileName, role]);
    expect(roles).toEqual([
      [segmentFileName(1), 'live'],
      [segmentFileName(2), 'prepared'],
      [segmentFileName(7), 'obsolete'],
    ]);
    log.data(1, 2);
    log.vfs.rename(log.path(2), log.path(8));
    log.segment(2);
    log.data(1, 2);
    expect(errorOf(() => scan(log)).code).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('with a new header and still the old name are not written to', () => {
    const log = new TestLog();
    log.data(0, 1);
    log.segment(2);
    log.vfs.rename(log.path(2), log.path(9));
    expect(scan(log).segments[1]).toEqual({
      fileName: segmentFileName(9),
      number: 2,
      role: 'obsolete',
    });
    const misnamed = new TestLog();
    misnamed.data(0, 1);
    misnamed.vfs.rename(misnamed.path(1), misnamed.path(9));
    const { tail } = scan(misnamed);
    expect(tail.needsCut).toBe(true);
    const next = cutTail(misnamed.vfs, TEST_DIRECTORY, tail);
    expect(next).toEqual({ segmentNumber: 2, offset: SEGMENT_DATA_OFFSET });
    expect(scan(misnamed).sequences).toEqual([1]);
  });

  it('are prepared only without a gap', () => {
    const log = new TestLog();
    log.data(0, 1);
    for (const number of [2, 3, 5]) log.prepare(number);
    const roles = (): string[] => scan(log).segments.map(({ role }) => role);
    expect(roles()).toEqual(['live', 'prepared', 'prepared', 'obsolete']);
    log.vfs.remove(log.path(2));
    expect(roles()).toEqual(['live', 'obsolete', 'obsolete']);
    // With a tail to cut, the log goes on in segment 2, which has to be made then.
    const torn = log.data(1, 2);
    log.damage(torn + BLOCK_HEADER_BYTES + 8);
    expect(roles()).toEqual(['live', 'prepared', 'obsolete']);
  });

  it('behind a cut may be missing, or blank', () => {
    const unused: ((log: TestLog) => void)[] = [
      () => {},
      (log) => log.vfs.open(log.path(2), 'create').truncate(1000),
      (log) => log.segment(2),
    ];
    for (const make of unused) {
      const log = new TestLog();
      log.data(0, 1);
      log.end(1, EndReason.CUT);
      make(log);
      const result = scan(log);
      expect(result.lastSequence).toBe(1);
      expect(result.tail).toMatchObject({ segmentNumber: 2, offset: SEGMENT_DATA_OFFSET });
    }
    const damaged = new TestLog();
    damaged.data(0, 1);
    damaged.end(1, EndReason.CUT);
    damaged.segment(2);
    damaged.data(1, 2);
    damaged.damage(0, 64);
    expect(errorOf(() => scan(damaged)).code).toBe('ERR_MANIFOLD_CORRUPT');
  });
});

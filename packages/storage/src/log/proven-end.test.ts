import { describe, expect, it } from 'vitest';
import { BLOCK_HEADER_BYTES, EndReason } from '../format/block.js';
import { RecordKind } from '../format/record.js';
import { SEGMENT_DATA_OFFSET, segmentFileName } from '../format/segment.js';
import { TestLog } from './test-log.js';
import { scan } from './test-scan.js';

const FIRST = segmentFileName(1);
const SECOND = segmentFileName(2);
const DATA_OFFSET = SEGMENT_DATA_OFFSET;

describe('what of the log is not known to be synced', () => {
  it('is everything when nothing is called synced', () => {
    const log = new TestLog();
    expect(scan(log).unproven).toEqual([]);
    log.data(0, 1);
    log.data(0, 2);
    expect(scan(log).unproven).toEqual([{ fileName: FIRST, from: DATA_OFFSET, to: log.offset }]);
  });

  it('begins behind the last block whose records a later one, or the checkpoint, calls synced', () => {
    const log = new TestLog();
    log.data(0, 1, 2);
    const second = log.data(0, 3);
    const third = log.data(2, 4);
    const range = (from: number) => [{ fileName: FIRST, from, to: log.offset }];
    expect(scan(log).unproven).toEqual(range(second));
    expect(scan(log, 3).unproven).toEqual(range(third));
    // Half of a block is not enough.
    log.data(3, 5, 6);
    const last = log.data(5, 7);
    expect(scan(log).unproven).toEqual(range(last - (BLOCK_HEADER_BYTES + 2 * 48)));
  });

  it('includes marks and ends behind it, which nothing proves', () => {
    const log = new TestLog();
    log.data(0, 1);
    const mark = log.watermark(1);
    expect(scan(log).unproven).toEqual([{ fileName: FIRST, from: mark, to: log.offset }]);
    const end = log.offset + BLOCK_HEADER_BYTES;
    log.roll(1);
    log.data(1, 2);
    expect(scan(log).unproven).toEqual([
      { fileName: FIRST, from: mark, to: end },
      { fileName: SECOND, from: DATA_OFFSET, to: log.offset },
    ]);
    const third = log.data(2, 3);
    expect(scan(log).unproven).toEqual([{ fileName: SECOND, from: third, to: log.offset }]);
  });

  it('includes the end of a log that was cut, with nothing behind it yet', () => {
    const log = new TestLog();
    log.data(0, 1);
    const cut = log.data(1, { sequence: 2, kind: RecordKind.FIRST });
    log.prepare(2);
    log.end(1, EndReason.CUT);
    const to = log.offset;
    expect(scan(log).unproven).toEqual([{ fileName: FIRST, from: cut, to }]);
  });

  it('goes up to the tail, and not behind it', () => {
    const log = new TestLog();
    log.data(0, 1);
    const torn = log.data(0, 2);
    log.damage(torn + BLOCK_HEADER_BYTES + 40);
    expect(scan(log).unproven).toEqual([{ fileName: FIRST, from: DATA_OFFSET, to: torn }]);
  });
});

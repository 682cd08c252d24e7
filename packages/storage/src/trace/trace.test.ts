import { describe, expect, it } from 'vitest';
import {
  TRACE_APPLY,
  TRACE_APPLY_CHANGES,
  TRACE_BUILD_CHANGES,
  TRACE_MAIN,
  TRACE_SYNC,
  TRACE_WAL,
  TRACE_WRITE,
} from '../layout/trace.js';
import { readTrace } from './trace-reader.js';
import { TraceWriter, createTraceRegion, traceWriterFor } from './trace-writer.js';

describe('the trace', () => {
  it('is empty until someone writes', () => {
    expect(readTrace(createTraceRegion(4))).toEqual([]);
  });

  it('keeps the sections of the threads apart', () => {
    const region = createTraceRegion(2);
    const [main, wal, apply] = [TRACE_MAIN, TRACE_WAL, TRACE_APPLY].map((section) => {
      return new TraceWriter(region, section);
    });
    apply!.record(TRACE_APPLY_CHANGES, 7, 8, 1, 3);
    main!.record(TRACE_BUILD_CHANGES, 1, 2.5, 3, 3);
    wal!.record(TRACE_WRITE, 3, 4, 1, 3);
    wal!.record(TRACE_SYNC, 4, 6, 1, 3);
    expect(readTrace(region)).toEqual([
      { thread: 'main', span: 'build', startUs: 1, endUs: 2.5, first: 3, last: 3 },
      { thread: 'wal', span: 'write', startUs: 3, endUs: 4, first: 1, last: 3 },
      { thread: 'wal', span: 'sync', startUs: 4, endUs: 6, first: 1, last: 3 },
      { thread: 'apply', span: 'apply', startUs: 7, endUs: 8, first: 1, last: 3 },
    ]);
  });

  it('takes no more when a section is full, and leaves the next one alone', () => {
    const region = createTraceRegion(2);
    const main = new TraceWriter(region, TRACE_MAIN);
    for (let i = 1; i <= 5; i++) main.record(TRACE_BUILD_CHANGES, i, i + 0.5, i, i);
    expect(readTrace(region).map(({ first }) => first)).toEqual([1, 2]);
    const wal = new TraceWriter(region, TRACE_WAL);
    wal.record(TRACE_SYNC, 1, 2, 1, 1);
    expect(readTrace(region).map(({ span }) => span)).toEqual(['build', 'build', 'sync']);
  });

  it('times a span, for the commits behind the ones before', () => {
    const region = createTraceRegion(2);
    const wal = new TraceWriter(region, TRACE_WAL);
    wal.begin(1);
    wal.begin(5);
    wal.end(TRACE_SYNC, 9);
    wal.begin(9);
    wal.end(TRACE_SYNC, 9);
    const [sync, none] = readTrace(region);
    expect([sync!.first, sync!.last]).toEqual([6, 9]);
    expect(none!.last).toBeLessThan(none!.first);
    expect(sync!.endUs).toBeGreaterThanOrEqual(sync!.startUs);
    expect(none!.startUs).toBeGreaterThanOrEqual(sync!.endUs);
  });

  it('has no writer when nobody asked for one', () => {
    expect(traceWriterFor({ trace: undefined }, TRACE_MAIN)).toBeUndefined();
    expect(traceWriterFor({ trace: createTraceRegion(1) }, TRACE_MAIN)).toBeDefined();
  });
});

/** Leaving a segment for the next one: END, sync, publish, then the new segment. */
import { describe, expect, it } from 'vitest';
import {
  BlockKind,
  FAILURE_CORRUPT,
  InvariantError,
  KIB,
  LOG_PREPARED_SEGMENT,
  LOG_SEGMENT_ROWS,
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  RecordKind,
  SEGMENT_HEADER_BYTES,
  WIDE_WORDS,
  encodeSegmentHeader,
  loadWide,
  readFailure,
  recordBytesMax,
  scanLog,
} from '@manifold-db/storage';
import { DATABASE_ID, DIRECTORY, Harness, SIZES } from './harness.js';

const OPTIONS = { databaseId: DATABASE_ID, fromSequence: 0, oldestSegment: 1 };

function rowOf(harness: Harness, segment: number): number {
  return loadWide(harness.shared.logSpace, LOG_SEGMENT_ROWS + segment * WIDE_WORDS);
}

describe('segments', () => {
  it('are filled one after the other, ended, and read back whole', () => {
    const harness = new Harness({ segments: 60 });
    let random = 7;
    const expected: [number, number][] = [];
    for (let commit = 1; commit <= 300; commit++) {
      random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
      const payloadBytes = 12 + ((random >>> 8) % 1000) * 4;
      expected.push([harness.append(payloadBytes), payloadBytes]);
      if (random % 3 === 0) harness.settle();
    }
    harness.settle();
    expect(harness.synced).toBe(300);
    const last = harness.shared.logSpace[LOG_WRITING_SEGMENT]!;
    expect(last).toBeGreaterThan(15);
    for (let segment = 1; segment <= last; segment++) {
      const blocks = harness.blocks(segment);
      const isLast = segment === last;
      const ends = blocks.filter((block) => block.kind === BlockKind.END);
      expect(ends).toEqual(isLast ? [] : [blocks.at(-1)]);
      const newest = blocks.at(-1)!.lastSequence;
      expect(rowOf(harness, segment)).toBe(isLast ? 0 : newest);
    }
    const delivered: [number, number][] = [];
    const disk = harness.disk.crash({ keep: 'none' });
    const result = scanLog(disk.vfs(), DIRECTORY, OPTIONS, {
      transaction: (sequence, _opCount, payload) => delivered.push([sequence, payload.length]),
    });
    expect(delivered).toEqual(expected);
    expect(result.tail.reason).toBe('end');
    expect(result.tail.segmentNumber).toBe(last);
  });

  it('are left by END, sync and publish before the next one is opened', () => {
    const operations: string[] = [];
    const harness = new Harness();
    harness.disk.onOperation = (_index, description) => operations.push(description);
    const payloadBytes = recordBytesMax(SIZES) - 32;
    for (let commit = 1; commit <= 4; commit++) harness.append(payloadBytes);
    expect(harness.loop.step()).toBe('worked');
    expect([harness.written, harness.synced]).toEqual([3, 0]);
    expect(harness.blocks(1).at(-1)).toMatchObject({ kind: BlockKind.END, lastSequence: 3 });
    expect(harness.loop.step()).toBe('worked');
    expect(harness.synced).toBe(3);
    expect(harness.shared.logSpace[LOG_WRITING_SEGMENT]).toBe(1);
    expect(harness.loop.step()).toBe('worked');
    expect(harness.shared.logSpace[LOG_WRITING_SEGMENT]).toBe(2);
    expect(harness.shared.logSpace[LOG_WRITING_OFFSET]).toBe(64);
    expect(rowOf(harness, 1)).toBe(3);
    expect(harness.written).toBe(3);
    harness.settle();
    expect(harness.synced).toBe(4);
    expect(operations.length).toBeGreaterThan(4);
  });

  it('carry the fragments of a transaction across the border', () => {
    const harness = new Harness();
    const payloadBytes = recordBytesMax(SIZES) - 32;
    harness.append(payloadBytes, RecordKind.FIRST);
    for (let fragment = 0; fragment < 4; fragment++)
      harness.append(payloadBytes, RecordKind.MIDDLE);
    harness.settle();
    harness.append(payloadBytes, RecordKind.LAST);
    expect(harness.settle().at(-1)).toBe('idle');
    expect(harness.synced).toBe(1);
    expect(harness.shared.logSpace[LOG_WRITING_SEGMENT]).toBe(2);
    // Segment 1 holds a part of transaction 1: it is needed until that is checkpointed.
    expect(rowOf(harness, 1)).toBe(1);
    const delivered: number[] = [];
    scanLog(harness.vfs, DIRECTORY, OPTIONS, {
      transaction: (sequence, _opCount, payload) => delivered.push(sequence, payload.length),
    });
    expect(delivered).toEqual([1, 6 * payloadBytes]);
  });

  it('always have room for a witness and END, to the last byte', () => {
    // Every size of the last record that still fits, and the first that does not.
    for (let slack = 0; slack <= 256; slack += 8) {
      const harness = new Harness();
      const full = recordBytesMax(SIZES) - 32;
      for (let commit = 1; commit <= 3; commit++) {
        harness.append(full);
        harness.settle();
      }
      const offset = harness.shared.logSpace[LOG_WRITING_OFFSET]!;
      const payloadBytes = 32 * KIB - offset - 64 - 32 - slack;
      harness.append(payloadBytes);
      harness.settle();
      harness.append(full);
      harness.settle();
      expect(harness.synced).toBe(5);
      const blocks = harness.blocks(1);
      expect(blocks.at(-1)!.kind).toBe(BlockKind.END);
      const fits = slack >= 128;
      expect(blocks.some((block) => block.sequences.includes(4))).toBe(fits);
      if (fits) expect(blocks.at(-2)).toMatchObject({ kind: BlockKind.WATERMARK });
      expect(scanLog(harness.vfs, DIRECTORY, OPTIONS, { transaction: () => {} }).lastSequence).toBe(
        5,
      );
    }
  });

  it('that were not prepared are never entered: the loop crashes loudly', () => {
    const harness = new Harness();
    for (let commit = 1; commit <= 4; commit++) harness.append(recordBytesMax(SIZES) - 32);
    harness.shared.logSpace[LOG_PREPARED_SEGMENT] = 1;
    expect(() => harness.settle()).toThrow(InvariantError);
    expect(harness.blocks(1).some((block) => block.kind === BlockKind.END)).toBe(false);
  });

  it.each([
    ['number', { segmentNumber: 9 }],
    ['size', { segmentBytes: 64 * KIB }],
    ['database', { databaseId: new Uint8Array(16).fill(9) }],
  ])('with the wrong %s in the header poison the database', (_what, wrong) => {
    const harness = new Harness();
    const good = {
      segmentBytes: SIZES.walSegmentBytes,
      salt: 1,
      segmentNumber: 2,
      databaseId: DATABASE_ID,
    };
    const file = harness.vfs.open(`${DIRECTORY}/wal-0000000002.log`, 'read-write');
    file.write([encodeSegmentHeader({ ...good, ...wrong })], 0);
    for (let commit = 1; commit <= 4; commit++) harness.append(recordBytesMax(SIZES) - 32);
    expect(harness.settle().at(-1)).toBe('stopped');
    expect(harness.synced).toBe(3);
    expect(readFailure(harness.shared)!.text).toContain('wal-0000000002.log');
  });

  it.each([
    ['never made ready', new Uint8Array(SEGMENT_HEADER_BYTES)],
    ['magic number', new Uint8Array(SEGMENT_HEADER_BYTES).fill(0xa5)],
  ])('without a header poison the database: %s', (problem, header) => {
    const harness = new Harness();
    const file = harness.vfs.open(`${DIRECTORY}/wal-0000000002.log`, 'read-write');
    file.write([header], 0);
    for (let commit = 1; commit <= 4; commit++) harness.append(recordBytesMax(SIZES) - 32);
    expect(harness.settle().at(-1)).toBe('stopped');
    expect(harness.synced).toBe(3);
    const failure = readFailure(harness.shared)!;
    expect(failure.code).toBe(FAILURE_CORRUPT);
    expect(failure.text).toContain(problem);
    expect(failure.text).toContain('wal-0000000002.log');
  });
});

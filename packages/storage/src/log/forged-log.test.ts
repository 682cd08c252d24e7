/**
 * Logs whose checksums are right and whose content cannot be: blocks that do not follow, records
 * that do not agree with their block, segments that are there twice or in part. What a checksum
 * proves is that the bytes were written so, not that they make sense.
 */
import { describe, expect, it } from 'vitest';
import { checksum } from '../checksum.js';
import { BLOCK_HEADER_BYTES, BlockKind, EndReason, newBlockHeader } from '../format/block.js';
import { RecordKind } from '../format/record.js';
import { SEGMENT_DATA_OFFSET, segmentFileName } from '../format/segment.js';
import { SegmentReader } from './segment-reader.js';
import { findSurvivors, noSurvivors } from './survivors.js';
import { cutTail } from './tail-cut.js';
import {
  TEST_DIRECTORY,
  TEST_SEGMENT_BYTES,
  TestLog,
  encodeRecords,
  testPayload,
  type TestRecord,
} from './test-log.js';
import { errorOf, scan } from './test-scan.js';

/** A log with one transaction that nobody acknowledged. */
function oneRecord(): TestLog {
  const log = new TestLog();
  log.data(0, 1);
  return log;
}

describe('a block that does not follow', () => {
  it.each([
    ['records behind a gap', (log: TestLog) => log.data(0, 3)],
    ['records that came before', (log: TestLog) => log.data(0, 1)],
    ['a witness of records that are not there', (log: TestLog) => log.watermark(0, 5)],
  ])('is cut with everything behind it: %s', (_what, write) => {
    const log = oneRecord();
    const offset = write(log);
    const { tail, sequences } = scan(log);
    expect(sequences).toEqual([1]);
    expect(tail).toMatchObject({ reason: 'sequence-gap', offset, cutBlocks: 1, needsCut: true });
    cutTail(log.vfs, TEST_DIRECTORY, tail);
    expect(scan(log).tail).toMatchObject({ segmentNumber: 2, cutBlocks: 0, lastSequence: 1 });
  });

  it('is damage when it calls synced what is not there', () => {
    const log = oneRecord();
    const offset = log.watermark(4, 1);
    const error = errorOf(() => scan(log));
    expect([error.code, error.offset]).toEqual(['ERR_MANIFOLD_CORRUPT', offset]);
  });

  it('goes beyond the end of its segment: it was never written whole', () => {
    const log = oneRecord();
    const header = { kind: BlockKind.DATA, recordCount: 1, firstSequence: 2, lastSequence: 2 };
    const offset = log.forged(testPayload(2), { ...header, payloadBytes: TEST_SEGMENT_BYTES });
    expect(scan(log).tail).toMatchObject({ reason: 'torn-block', offset, lastSequence: 1 });
  });
});

describe('records that do not agree with their block', () => {
  const part = (sequence: number, kind: RecordKind): TestRecord => ({ sequence, kind });
  const fields = { kind: BlockKind.DATA, recordCount: 1, firstSequence: 2, lastSequence: 2 };
  const damagedRecord = encodeRecords([{ sequence: 2 }]).fill(0xff, 0, 4);

  // As a torn write leaves them: an intact checksum of the block proves nothing (see below).
  it.each<[string, (log: TestLog) => number]>([
    ['a record of 4294967295 bytes', (log) => log.forged(damagedRecord, fields)],
    ['not the one of the header', (log) => log.forged(encodeRecords([{ sequence: 3 }]), fields)],
    [
      'do not agree with the block header',
      (log) => log.forged(encodeRecords([{ sequence: 2 }]), { ...fields, recordCount: 2 }),
    ],
    [
      'do not agree with the block header',
      (log) => log.forged(encodeRecords([{ sequence: 2 }]), { ...fields, lastSequence: 9 }),
    ],
    ['records out of order', (log) => log.data(0, 2, 4)],
  ])('are a torn block, and damage when it was synced: %s', (problem, write) => {
    const log = oneRecord();
    const offset = write(log);
    expect(scan(log)).toMatchObject({ sequences: [1], tail: { reason: 'torn-block', offset } });
    log.data(3, 3);
    const error = errorOf(() => scan(log));
    expect([error.code, error.offset]).toEqual(['ERR_MANIFOLD_CORRUPT', offset]);
    expect(error.message).toContain(problem);
  });

  it('pass the checksum of their block: a header for another, over the same payload', () => {
    const payload = new Uint8Array(40).fill(7);
    const records = (sequence: number): Uint8Array =>
      encodeRecords([
        { sequence: 2, payload },
        { sequence, payload },
      ]);
    // What the segment held at that place before, and a write of which half arrived.
    const torn = records(3);
    torn.set(records(1).subarray(torn.length / 2), torn.length / 2);
    expect(checksum(torn, 99)).toBe(checksum(records(3), 99));
    const log = oneRecord();
    const offset = log.forged(torn, { ...fields, recordCount: 2, lastSequence: 3 });
    const { tail } = scan(log);
    expect(tail).toMatchObject({ reason: 'torn-block', offset, lastSequence: 1 });
    cutTail(log.vfs, TEST_DIRECTORY, tail);
    expect(scan(log)).toMatchObject({ sequences: [1], tail: { needsCut: false } });
  });

  it.each<[string, (log: TestLog) => number]>([
    [
      'record 3 inside transaction 2',
      (log) => log.data(0, part(2, RecordKind.FIRST), part(3, RecordKind.WHOLE)),
    ],
    ['has no start', (log) => log.data(0, 2, part(3, RecordKind.LAST))],
  ])('are damage: %s', (problem, write) => {
    const log = oneRecord();
    const offset = write(log);
    const error = errorOf(() => scan(log));
    expect([error.code, error.offset]).toEqual(['ERR_MANIFOLD_CORRUPT', offset]);
    expect(error.message).toContain(problem);
  });

  it('are damage in the first block as well: no transaction has the sequence 0', () => {
    const log = new TestLog();
    log.data(0, 0);
    expect(errorOf(() => scan(log)).code).toBe('ERR_MANIFOLD_CORRUPT');
  });
});

describe('segments', () => {
  it('behind the tail that are not whole are not ready to be written to', () => {
    const log = oneRecord();
    log.prepare(2);
    log.prepare(3);
    log.vfs.open(log.path(2), 'read-write').truncate(1000);
    expect(scan(log).segments.map(({ role }) => role)).toEqual(['live', 'obsolete', 'obsolete']);
  });

  it('twice with content are damage, whichever name comes first', () => {
    const log = new TestLog(2);
    log.data(0, 1);
    log.vfs.rename(log.path(2), log.path(1));
    log.segment(2);
    log.data(0, 1);
    const error = errorOf(() => scan(log, 0, 2));
    expect([error.code, error.path]).toEqual(['ERR_MANIFOLD_CORRUPT', log.path(1)]);
    expect(error.message).toContain(`${segmentFileName(2)} holds segment 2 as well`);
  });

  it('with blocks behind a missing one are removed, so that it can be made again', () => {
    const log = oneRecord();
    log.end(1, EndReason.CUT);
    log.segment(3);
    log.data(1, 3);
    const { tail } = scan(log);
    expect(tail).toMatchObject({ segmentNumber: 2, fileName: undefined, cutBlocks: 1 });
    expect(tail.surplus).toEqual([segmentFileName(3)]);
    const next = cutTail(log.vfs, TEST_DIRECTORY, tail);
    expect(next).toEqual({ segmentNumber: 2, offset: SEGMENT_DATA_OFFSET });
    const again = scan(log);
    expect(again.tail).toMatchObject({ segmentNumber: 2, needsCut: false, lastSequence: 1 });
    expect(again.segments.map(({ role }) => role)).toEqual(['live']);
  });

  it('whose header changed between scan and cut are left alone', () => {
    const log = oneRecord();
    log.damage(log.data(0, 2) + BLOCK_HEADER_BYTES);
    const { tail } = scan(log);
    expect(tail.needsCut).toBe(true);
    log.damage(0, 64);
    const before = log.disk.operationCount;
    const error = errorOf(() => cutTail(log.vfs, TEST_DIRECTORY, tail));
    expect([error.code, error.path]).toEqual(['ERR_MANIFOLD_CORRUPT', log.path()]);
    expect(log.disk.operationCount).toBe(before);
  });

  it('that lose their end while they are read end there, for every search', () => {
    const log = oneRecord();
    const file = log.vfs.open(log.path(), 'read-write');
    const window = Buffer.alloc(TEST_SEGMENT_BYTES);
    file.truncate(SEGMENT_DATA_OFFSET + 40);
    const reader = new SegmentReader(file, 0, TEST_SEGMENT_BYTES, window);
    const header = newBlockHeader();
    expect(reader.readHeader(SEGMENT_DATA_OFFSET, header)).toBe('too-short');
    expect(reader.payloadPosition(SEGMENT_DATA_OFFSET, { ...header, payloadBytes: 8 })).toBe(
      undefined,
    );
    const found = noSurvivors();
    findSurvivors(reader, SEGMENT_DATA_OFFSET, found);
    expect(found).toEqual(noSurvivors());
  });
});

describe('bytes that look like the beginning of a block', () => {
  it('at a place where none can be are passed over, those behind it are found', () => {
    const log = oneRecord();
    const torn = log.data(0, 2);
    log.data(0, 3);
    const file = log.vfs.open(log.path(), 'read-write');
    // The header of block 2 becomes magic numbers, none of them at a multiple of 8.
    const decoys = Buffer.alloc(BLOCK_HEADER_BYTES, 'MBLK    ', 'latin1');
    file.write([Buffer.concat([Buffer.alloc(3), decoys.subarray(0, 61)])], torn);
    const { tail } = scan(log);
    expect(tail).toMatchObject({ reason: 'missing-block', offset: torn, cutBlocks: 1 });
  });
});

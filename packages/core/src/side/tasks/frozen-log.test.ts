import { describe, expect, it } from 'vitest';
import {
  SEGMENT_DATA_OFFSET,
  SimulatedDisk,
  encodeSegmentHeader,
  segmentFileName,
  type Vfs,
} from '@manifold-db/storage';
import { frozenLog } from './frozen-log.js';

const SEGMENT_BYTES = 1024;
const END = { segmentNumber: 5, offset: 200 };

function segment(vfs: Vfs, segmentNumber: number): string {
  const path = `/${segmentFileName(segmentNumber)}`;
  const header = encodeSegmentHeader({
    segmentBytes: SEGMENT_BYTES,
    salt: 1,
    segmentNumber,
    databaseId: new Uint8Array(16),
  });
  const file = vfs.open(path, 'create');
  file.write([header, new Uint8Array(SEGMENT_BYTES - header.length).fill(7)], 0);
  file.close();
  return path;
}

/** First offset from which a segment reads as zeros. */
function endOf(vfs: Vfs, path: string, windowBytes: number): number {
  const file = vfs.open(path, 'read');
  const window = new Uint8Array(windowBytes);
  let end = SEGMENT_DATA_OFFSET;
  for (let offset = SEGMENT_DATA_OFFSET; offset < SEGMENT_BYTES; offset += windowBytes) {
    window.fill(1);
    const count = file.read(window, offset);
    expect(count).toBe(Math.min(windowBytes, SEGMENT_BYTES - offset));
    for (let i = 0; i < count; i++) if (window[i] !== 0) end = offset + i + 1;
  }
  expect(file.size()).toBe(SEGMENT_BYTES);
  file.close();
  return end;
}

describe('frozenLog', () => {
  it('ends at the position, however it is read', () => {
    const disk = new SimulatedDisk().vfs();
    const paths = [4, 5, 6].map((number) => segment(disk, number));
    let polls = 0;
    const frozen = frozenLog(disk, END, () => void polls++);
    for (const windowBytes of [8, 100, 4096]) {
      const ends = paths.map((path) => endOf(frozen, path, windowBytes));
      expect(ends).toEqual([SEGMENT_BYTES, END.offset, SEGMENT_DATA_OFFSET]);
    }
    expect(polls).toBeGreaterThan(0);
  });

  it('hides what is written behind the position later', () => {
    const disk = new SimulatedDisk().vfs();
    const path = segment(disk, END.segmentNumber);
    const frozen = frozenLog(disk, END, () => {}).open(path, 'read');
    const writer = disk.open(path, 'read-write');
    writer.write([new Uint8Array(100).fill(9)], END.offset - 50);
    const bytes = new Uint8Array(100);
    frozen.read(bytes, END.offset - 50);
    expect([...bytes.subarray(0, 50)].every((byte) => byte === 9)).toBe(true);
    expect([...bytes.subarray(50)].every((byte) => byte === 0)).toBe(true);
  });

  it('is for reading only', () => {
    const disk = new SimulatedDisk().vfs();
    const path = segment(disk, END.segmentNumber);
    const frozen = frozenLog(disk, END, () => {}).open(path, 'read-write');
    expect(() => frozen.write([new Uint8Array(1)], 0)).toThrow(TypeError);
    expect(() => frozen.truncate(0)).toThrow(TypeError);
  });
});

/** Segments that are made, given up half-way, and recycled. */
import { describe, expect, it } from 'vitest';
import {
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  encodeSegmentHeader,
  segmentFileName,
} from '../format/segment.js';
import { KIB } from '../limits.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  SEGMENT_RECYCLED_NAME,
  SEGMENT_TEMPORARY_NAME,
  SegmentPreparation,
  createSegment,
  isLogFileName,
  recycleSegment,
} from './segment-preparation.js';

const DIRECTORY = '/db';
const SPEC = { directory: DIRECTORY, segmentBytes: 64 * KIB, databaseId: new Uint8Array(16) };

function prepare() {
  const vfs = new SimulatedDisk().vfs();
  vfs.makeDirectory(DIRECTORY);
  return { vfs, preparation: new SegmentPreparation(vfs, SPEC, 5) };
}

describe('a segment that is given up', () => {
  it('before anything was done touches no file', () => {
    const { vfs, preparation } = prepare();
    // What a run before left under the name is not its own yet.
    vfs.open(`${DIRECTORY}/${SEGMENT_TEMPORARY_NAME}`, 'create').close();
    preparation.abandon();
    expect(vfs.list(DIRECTORY)).toEqual([SEGMENT_TEMPORARY_NAME]);
  });

  it('half made leaves nothing, and can be begun anew', () => {
    const { vfs, preparation } = prepare();
    expect([preparation.step(), preparation.step()]).toEqual([false, false]);
    preparation.abandon();
    preparation.abandon();
    expect(vfs.list(DIRECTORY)).toEqual([]);
  });

  it('after somebody removed the file is no error', () => {
    const { vfs, preparation } = prepare();
    preparation.step();
    vfs.remove(`${DIRECTORY}/${SEGMENT_TEMPORARY_NAME}`);
    preparation.abandon();
    expect(vfs.list(DIRECTORY)).toEqual([]);
  });

  it('is whole when it gets its name', () => {
    const { vfs, preparation } = prepare();
    let steps = 1;
    while (!preparation.step()) steps++;
    expect(steps).toBeGreaterThan(2);
    expect(vfs.list(DIRECTORY)).toEqual([segmentFileName(5)]);
    expect(vfs.open(`${DIRECTORY}/${segmentFileName(5)}`, 'read').size()).toBe(64 * KIB);
  });
});

/** Salt in the header of the segment with this number. */
function saltOf(vfs: Vfs, segmentNumber: number): number {
  const path = `${DIRECTORY}/${segmentFileName(segmentNumber)}`;
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  vfs.open(path, 'read').read(bytes, 0);
  const decoded = decodeSegmentHeader(bytes, path);
  if (decoded.state !== 'valid') throw new Error(decoded.state);
  expect(decoded.header).toMatchObject({ segmentNumber, segmentBytes: SPEC.segmentBytes });
  return decoded.header.salt;
}

// A block of an earlier life passes under its salt. It was drawn, so it could come again.
describe('a segment that is recycled', () => {
  it('has a salt that none of its earlier lives had', () => {
    const { vfs } = prepare();
    createSegment(vfs, SPEC, 5);
    const first = saltOf(vfs, 5);
    for (let number = 6; number < 10; number++) {
      expect(recycleSegment(vfs, SPEC, segmentFileName(number - 1), number)).toBe(true);
      expect(saltOf(vfs, number)).toBe((first + number - 5) % 2 ** 32);
    }
    expect(vfs.list(DIRECTORY)).toEqual([segmentFileName(9)]);
  });

  it('has salt 0 after the largest one, also where its header is damaged', () => {
    const { vfs } = prepare();
    createSegment(vfs, SPEC, 5);
    const header = encodeSegmentHeader({ ...SPEC, segmentNumber: 5, salt: 2 ** 32 - 1 });
    header.fill(0xff, 0, 16);
    vfs.open(`${DIRECTORY}/${segmentFileName(5)}`, 'read-write').write([header], 0);
    expect(recycleSegment(vfs, SPEC, segmentFileName(5), 6)).toBe(true);
    expect(saltOf(vfs, 6)).toBe(0);
  });
});

describe('the name of a file of the log', () => {
  it.each([SEGMENT_TEMPORARY_NAME, SEGMENT_RECYCLED_NAME, segmentFileName(7)])('%s is', (name) => {
    expect(isLogFileName(name)).toBe(true);
  });

  it.each(['data.manifold', 'LOCK', 'wal-7.log', 'wal-0000000007.log.bak', 'wal-new'])(
    '%s is not',
    (name) => {
      expect(isLogFileName(name)).toBe(false);
    },
  );
});

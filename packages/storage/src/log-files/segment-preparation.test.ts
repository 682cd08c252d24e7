/** A new segment that is given up: whatever was done of it, its space is free again. */
import { describe, expect, it } from 'vitest';
import { segmentFileName } from '../format/segment.js';
import { KIB } from '../limits.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import {
  SEGMENT_RECYCLED_NAME,
  SEGMENT_TEMPORARY_NAME,
  SegmentPreparation,
  isLogFileName,
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

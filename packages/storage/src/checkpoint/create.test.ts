import { describe, expect, it } from 'vitest';
import { ManifoldError } from '../errors.js';
import { FIRST_SEGMENT_NUMBER, segmentFileName } from '../format/segment.js';
import { KIB } from '../limits.js';
import { SimulatedDisk } from '../vfs/simulated.js';
import {
  createDatabaseFiles,
  databaseState,
  DATA_FILE_NAME,
  DATA_FILE_TEMPORARY_NAME,
} from './create.js';
import { loadCheckpoint } from './load.js';

const DIRECTORY = '/db';
const DATA_PATH = `${DIRECTORY}/${DATA_FILE_NAME}`;
const OPTIONS = {
  pageBytes: 4 * KIB,
  walSegmentBytes: 64 * KIB,
  databaseId: new Uint8Array(16).fill(3),
  createdAtMs: 12_345,
};

function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.vfs().makeDirectory(DIRECTORY);
  disk.vfs().syncDirectory('/');
  return disk;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ManifoldError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('a new database', () => {
  it('is durable, empty, and has two valid meta pages and its first log segment', () => {
    const disk = newDisk();
    expect(databaseState(disk.vfs(), DIRECTORY)).toBe('absent');
    expect(databaseState(disk.vfs(), `${DIRECTORY}/not-there`)).toBe('absent');
    createDatabaseFiles(disk.vfs(), DIRECTORY, OPTIONS);
    const vfs = disk.crash({ keep: 'none' }).vfs();
    expect(databaseState(vfs, DIRECTORY)).toBe('present');
    expect(vfs.list(DIRECTORY)).toEqual([DATA_FILE_NAME, segmentFileName(FIRST_SEGMENT_NUMBER)]);
    const { meta, otherProblem, freeMap } = loadCheckpoint(vfs, DIRECTORY);
    expect(otherProblem).toBeUndefined();
    expect(meta).toMatchObject({ metaGeneration: 1, sequence: 0, catalogPage: 0, pageCount: 4 });
    expect([...freeMap.inUse.toArray()]).toEqual([0, 1, 2, 3]);
  });

  it('is there whole or not at all, wherever the creation was cut off', () => {
    const disk = newDisk();
    const states = new Set<string>();
    let boundaries = 0;
    const examine = (): void => {
      boundaries++;
      const crashes = [disk.crash({ keep: 'none' }), disk.crash({ keep: 'all' })];
      for (const { index } of disk.pendingWrites()) {
        crashes.push(disk.crash({ keepOnly: index }), disk.crash({ dropWrite: index }));
      }
      for (const crash of crashes) {
        const vfs = crash.vfs();
        const state = databaseState(vfs, DIRECTORY);
        states.add(state);
        // A second attempt finishes what the first left behind.
        if (state === 'absent') createDatabaseFiles(vfs, DIRECTORY, OPTIONS);
        expect(loadCheckpoint(vfs, DIRECTORY).meta.sequence).toBe(0);
        expect(vfs.exists(`${DIRECTORY}/${segmentFileName(FIRST_SEGMENT_NUMBER)}`)).toBe(true);
      }
    };
    disk.onOperation = examine;
    createDatabaseFiles(disk.vfs(), DIRECTORY, OPTIONS);
    examine();
    expect(boundaries).toBeGreaterThan(10);
    expect(states).toEqual(new Set(['absent', 'present']));
  });

  // A new database beside the segments of a half backup was damaged from its first opening on.
  it('is not created beside log segments that no creation leaves', () => {
    const disk = newDisk();
    const vfs = disk.vfs();
    const rest = [DATA_FILE_TEMPORARY_NAME, segmentFileName(1), segmentFileName(4)];
    for (const name of rest) vfs.open(`${DIRECTORY}/${name}`, 'create').close();
    expect(databaseState(vfs, DIRECTORY)).toBe('absent');
    expect(codeOf(() => createDatabaseFiles(vfs, DIRECTORY, OPTIONS))).toBe(
      'ERR_MANIFOLD_NOT_FOUND',
    );
    expect(vfs.list(DIRECTORY)).toEqual(rest);
    vfs.remove(`${DIRECTORY}/${segmentFileName(4)}`);
    createDatabaseFiles(vfs, DIRECTORY, OPTIONS);
    expect(databaseState(vfs, DIRECTORY)).toBe('present');
    expect(vfs.open(`${DIRECTORY}/${segmentFileName(1)}`, 'read').size()).toBe(64 * KIB);
  });

  it('is not created over a log that lost its data file', () => {
    const disk = newDisk();
    createDatabaseFiles(disk.vfs(), DIRECTORY, OPTIONS);
    disk.vfs().remove(DATA_PATH);
    expect(codeOf(() => databaseState(disk.vfs(), DIRECTORY))).toBe('ERR_MANIFOLD_CORRUPT');
  });
});

describe('a damaged data file', () => {
  function damaged(change: (disk: SimulatedDisk) => void): string {
    const disk = newDisk();
    createDatabaseFiles(disk.vfs(), DIRECTORY, OPTIONS);
    change(disk);
    return codeOf(() => loadCheckpoint(disk.vfs(), DIRECTORY));
  }

  function rewrite(disk: SimulatedDisk, bytes: number, truncateTo: number): void {
    const file = disk.vfs().open(DATA_PATH, 'read-write');
    file.truncate(truncateTo);
    if (bytes > 0) file.write([new Uint8Array(bytes)], 0);
    file.close();
  }

  it.each([
    ['empty', 0, 0],
    ['cut short', 0, 3 * 4 * KIB],
    ['cut inside the metas', 0, 100],
    ['zeroed', 4 * 4 * KIB, 4 * 4 * KIB],
  ])('is refused: %s', (_name, bytes, truncateTo) => {
    expect(damaged((disk) => rewrite(disk, bytes, truncateTo))).toBe('ERR_MANIFOLD_CORRUPT');
  });

  it('that is longer than its last page is read: a cut-off checkpoint leaves such a file', () => {
    expect(damaged((disk) => rewrite(disk, 0, 9 * 4 * KIB))).toBe('no error');
  });

  it.each([
    ['the free map', 2],
    ['its directory', 3],
  ])('is refused: a bit of %s turned over', (_name, page) => {
    for (const offset of [0, 5, 20, 33, 4095]) {
      const code = damaged((disk) => disk.flipBit(DATA_PATH, page * 4 * KIB + offset, 3));
      expect(code).toBe('ERR_MANIFOLD_CORRUPT');
    }
  });

  it('with one damaged meta page opens at the other', () => {
    expect(damaged((disk) => disk.flipBit(DATA_PATH, 200, 1))).toBe('no error');
    expect(damaged((disk) => disk.flipBit(DATA_PATH, 4 * KIB + 80, 1))).toBe('no error');
  });
});

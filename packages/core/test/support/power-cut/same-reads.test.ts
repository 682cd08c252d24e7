import { SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { ReadRecord, SameReads } from './same-reads.js';

const PIECE_BYTES = 4096;

/** A file of pieces that are filled with one byte each. */
function diskOf(...pieces: number[]): SimulatedDisk {
  const disk = new SimulatedDisk();
  const file = disk.vfs().open('/file', 'create');
  file.write([Buffer.concat(pieces.map((fill) => Buffer.alloc(PIECE_BYTES, fill)))], 0);
  return disk;
}

function read(disk: SimulatedDisk, piece: number): number {
  const byte = Buffer.alloc(1);
  disk
    .vfs()
    .open('/file', 'read')
    .read(byte, piece * PIECE_BYTES);
  return byte[0]!;
}

/** Piece 0 says which piece holds the outcome. */
function outcomeOf(disk: SimulatedDisk): number {
  return read(disk, read(disk, 0));
}

function run(known: SameReads<number>, disk: SimulatedDisk, program = outcomeOf): void {
  const reads = new ReadRecord(disk);
  known.add(reads, program(disk));
}

describe('runs that read the same', () => {
  it('are known whatever stands in the pieces that they do not read', () => {
    const known = new SameReads<number>();
    run(known, diskOf(1, 7, 8));
    expect(known.find(diskOf(1, 7, 9))).toMatchObject({ outcome: 7 });
    expect(known.find(diskOf(1, 7, 9))!.places.map(({ index }) => index)).toEqual([0, 1]);
    expect(known.find(diskOf(1, 6, 8))).toBeUndefined();
    expect(known.find(diskOf(2, 7, 8))).toBeUndefined();
    expect(known.find(diskOf(1, 7, 8, 8))).toBeUndefined();
    expect(known.find(new SimulatedDisk())).toBeUndefined();
  });

  it('part where they read something else', () => {
    const known = new SameReads<number>();
    for (const disk of [diskOf(1, 7, 8), diskOf(2, 7, 8), diskOf(1, 6, 8), diskOf(1, 5, 8)]) {
      run(known, disk);
    }
    expect(known.find(diskOf(1, 7, 3))?.outcome).toBe(7);
    expect(known.find(diskOf(1, 6, 3))?.outcome).toBe(6);
    expect(known.find(diskOf(1, 5, 3))?.outcome).toBe(5);
    expect(known.find(diskOf(2, 3, 8))?.outcome).toBe(8);
    expect(known.find(diskOf(2, 3, 7))).toBeUndefined();
  });

  it('show when something else than the disk decides what is read', () => {
    const known = new SameReads<number>();
    run(known, diskOf(1, 7, 8));
    const another = (disk: SimulatedDisk): number => read(disk, read(disk, 0) + 1);
    expect(() => run(known, diskOf(1, 7, 8), another)).toThrow(/lead to the same read/);
    const shorter = (disk: SimulatedDisk): number => read(disk, 0);
    expect(() => run(known, diskOf(1, 7, 8), shorter)).toThrow(/lead to the same end/);
    const longer = (disk: SimulatedDisk): number => outcomeOf(disk) + read(disk, 2);
    expect(() => run(known, diskOf(1, 7, 8), longer)).toThrow(/lead to the same read/);
  });
});

import { describe, expect, it } from 'vitest';
import { ManifoldError } from '../errors.js';
import { SNAPSHOT_SLOTS_MAX } from '../limits.js';
import { testShared } from '../ring/test-shared.js';
import { SnapshotPins, readPins, snapshotsEpoch } from './snapshot-rows.js';

describe('snapshot rows', () => {
  it('are visible as long as they are pinned', () => {
    const shared = testShared();
    const pins = new SnapshotPins(shared);
    const first = pins.pin(5, 100);
    const second = pins.pin(2 ** 31 + 7, 2 ** 33);
    expect(readPins(shared)).toEqual([
      { row: first, sequence: 5, mark: 100 },
      { row: second, sequence: 2 ** 31 + 7, mark: 2 ** 33 },
    ]);
    pins.unpin(first);
    expect(readPins(shared).map(({ row }) => row)).toEqual([second]);
    // A freed row is used again before a new one.
    expect(pins.pin(9, 101)).toBe(first);
    expect(readPins(shared)).toContainEqual({ row: first, sequence: 9, mark: 101 });
  });

  it('change the epoch with every change', () => {
    const shared = testShared();
    const pins = new SnapshotPins(shared);
    const before = snapshotsEpoch(shared);
    pins.unpin(pins.pin(1, 1));
    expect(snapshotsEpoch(shared)).toBe(before + 2);
  });

  it('are bounded', () => {
    const pins = new SnapshotPins(testShared());
    for (let i = 0; i < SNAPSHOT_SLOTS_MAX; i++) pins.pin(i, i);
    expect(() => pins.pin(0, 0)).toThrow(ManifoldError);
    pins.unpin(17);
    expect(pins.pin(0, 0)).toBe(17);
  });
});

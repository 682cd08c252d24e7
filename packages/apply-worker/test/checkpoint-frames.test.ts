/**
 * Checkpoints that find no frame for their catalog or their free map: they take those of the pages
 * that they have written; without such they wait, undo what they began, and go on when a
 * transaction gives frames back. And what no waiting mends.
 */
import { describe, expect, it } from 'vitest';
import {
  Diff,
  FAILURE_DATA_WRITE,
  PageKind,
  TEST_SWITCH_REUSE_EARLY,
  createFaultVfs,
  loadCheckpoint,
} from '@manifold-db/storage';
import { DIRECTORY, Harness, entries } from './harness.js';

function newHarness(options: ConstructorParameters<typeof Harness>[0] = {}): Harness {
  const harness = new Harness(options);
  harness.createFamily(0, 1, 'default');
  return harness;
}

/** A transaction of the main thread that takes all frames but `left`. */
function takeFrames(harness: Harness, left: number): Diff {
  const { pager } = harness;
  const hungry = new Diff();
  hungry.reset(pager.newToken());
  const takeAll = (): never => {
    for (;;) pager.allocate(hungry, PageKind.LEAF, 0);
  };
  // More than once: what an operation evicts is free only when it is over.
  do {
    pager.beginOperation();
    expect(takeAll).toThrow('no page frame is free');
    pager.endOperation();
  } while (pager.makeRoom(1));
  const allocatedCount = hungry.allocatedCount - left;
  pager.rollBack(hungry, { allocatedCount, freedCount: 0 });
  expect(pager.freeFrames()).toBe(left);
  return hungry;
}

describe('a checkpoint without frames', () => {
  it.each([0, 2])('syncs what it has written and takes the frames, with %i left', (left) => {
    const harness = newHarness();
    const sequence = harness.commitAndApply({ 0: entries('k', 300, 100) });
    takeFrames(harness, left);
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(sequence);
    const reopened = new Harness({ disk: harness.disk.crash({ keep: 'none' }) });
    expect(reopened.admittedContent()).toEqual(harness.history.get(sequence));
  });

  it.each([
    ['catalog', 0],
    // One for the catalog, of the two that the free map needs there is one.
    ['free map', 2],
  ])('waits with its %s until there are some', (_what, left) => {
    const first = newHarness();
    first.createFamily(1, 2, 'dropped');
    first.commitAndApply({ 0: entries('k', 300, 100), 1: { a: '1' } });
    first.takeCheckpoint();
    const harness = new Harness({ disk: first.disk.crash({ keep: 'none' }) });
    // A drop makes no page, so the checkpoint has written none whose frame it could take.
    const sequence = harness.dropFamily(1);
    harness.sync();
    harness.runUntilIdle();
    const before = loadCheckpoint(harness.vfs, DIRECTORY).meta;
    const hungry = takeFrames(harness, left);
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.isCheckpointAnswered).toBe(false);
    expect(harness.failure).toBeUndefined();
    // It looks again by itself: nobody rings for a frame.
    expect(harness.loops[0]!.sleepMs()).toBeLessThan(100);
    expect(loadCheckpoint(harness.vfs, DIRECTORY).meta).toEqual(before);
    harness.pager.rollBack(hungry, { allocatedCount: 0, freedCount: 0 });
    harness.nowMs += 1000;
    harness.runUntilIdle();
    expect(harness.isCheckpointAnswered).toBe(true);
    expect(harness.checkpointed).toBe(sequence);
    const reopened = new Harness({ disk: harness.disk.crash({ keep: 'none' }) });
    expect(reopened.admittedContent()).toEqual(harness.history.get(sequence));
    // Each page of the map and the catalog counts once, however often they were begun.
    reopened.commitAndApply({ 0: { more: 'value' } });
    reopened.takeCheckpoint();
    expect(reopened.failure).toBeUndefined();
  });
});

describe('a checkpoint that cannot read its catalog', () => {
  it('poisons the database: no frame that comes free mends that', () => {
    const gate = new SharedArrayBuffer(4);
    const rule = { operation: 'read', pathIncludes: 'data', errno: 'EIO', gate } as const;
    const harness = newHarness({ wrapVfs: (vfs) => createFaultVfs(vfs, [rule]) });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.takeCheckpoint();
    const { meta } = loadCheckpoint(harness.vfs, DIRECTORY);
    harness.commitAndApply({ 0: { a: '2' } });
    // It was evicted meanwhile.
    harness.pager.retirePages(Int32Array.of(meta.catalogPage), 1);
    Atomics.store(new Int32Array(gate), 0, 1);
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.failure?.code).toBe(FAILURE_DATA_WRITE);
    expect(harness.failure?.text).toContain(`page ${meta.catalogPage} cannot be read`);
    expect(harness.checkpointed).toBe(1);
  });
});

describe('pages of the running checkpoint', () => {
  /** Pages of the newest checkpoint that a commit right after it takes for its own. */
  function pagesTaken(testSwitch: number): number[] {
    const harness = newHarness();
    harness.switchBugOn(testSwitch);
    harness.commitAndApply({ 0: entries('k', 400, 100) });
    harness.requestCheckpoint();
    const operations = harness.disk.operationCount;
    harness.runUntil(() => harness.disk.operationCount > operations);
    // Supersedes what the checkpoint is writing.
    harness.commit({ 0: entries('k', 400, 90) });
    harness.sync();
    harness.runUntil(() => harness.isCheckpointAnswered);
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(1);
    const { freeMap } = loadCheckpoint(harness.vfs, DIRECTORY);
    const taken: number[] = [];
    for (let i = 0; i < 6; i++) {
      const sequence = harness.commitAndApply({ 0: entries('k', 400, 80 - i) });
      taken.push(...harness.diffs.get(sequence)!.allocated);
    }
    expect(harness.checkpointed).toBe(1);
    return taken.filter((page) => freeMap.inUse.has(page));
  }

  it('are kept when a commit supersedes them', () => {
    expect(pagesTaken(0)).toEqual([]);
  });

  it('are found in later commits when the bug is back (B8)', () => {
    expect(pagesTaken(TEST_SWITCH_REUSE_EARLY).length).toBeGreaterThan(0);
  });
});

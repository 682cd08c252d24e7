/** Checkpoints: what they write, when they are durable, what a reopened database finds. */
import { describe, expect, it } from 'vitest';
import {
  DATA_FILE_NAME,
  META_PAGE_COUNT,
  PROGRESS_APPLIED,
  PageBitmap,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  TEST_SWITCH_REUSE_EARLY,
  checkPage,
  loadCheckpoint,
  storeWide,
  type SimulatedDisk,
} from '@manifold-db/storage';
import { DATA_PATH, DIRECTORY, Harness, SIZES, entries, withoutEmpty } from './harness.js';

function newHarness(options: ConstructorParameters<typeof Harness>[0] = {}): Harness {
  const harness = new Harness(options);
  harness.createFamily(0, 1, 'default');
  harness.createFamily(1, 2, 'other');
  return harness;
}

/** Page numbers of the data file that were written from operation `from` on. */
function watchWrites(disk: SimulatedDisk): Set<number> {
  const pages = new Set<number>();
  disk.onOperation = (_index, description) => {
    const match = /^write (\S+) (\d+)\+(\d+)$/.exec(description);
    if (match === null || !match[1]!.endsWith(DATA_FILE_NAME)) return;
    const first = Number(match[2]) / SIZES.pageBytes;
    for (let i = 0; i < Number(match[3]) / SIZES.pageBytes; i++) pages.add(first + i);
  };
  return pages;
}

/** Content of the newest checkpoint on the disk. */
function durableContent(disk: SimulatedDisk): { sequence: number; content: unknown } {
  const harness = new Harness({ disk });
  const content = withoutEmpty(harness.admittedContent());
  const { sequence } = harness.checkpoint.meta;
  harness.close();
  return { sequence, content };
}

describe('a checkpoint', () => {
  it('keeps a version of all families, which a reopened database finds', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: entries('a', 500, 60), 1: entries('b', 20, 500) });
    harness.commitAndApply({ 0: { a000003: undefined, new: 'value' } });
    harness.takeCheckpoint();
    expect(harness.checkpointed).toBe(2);
    expect(harness.failure).toBeUndefined();
    const found = durableContent(harness.disk.crash({ keep: 'none' }));
    expect(found).toEqual({ sequence: 2, content: harness.history.get(2) });
  });

  it('never contains what is not synced', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: { a: '1' } });
    harness.commit({ 0: { a: '2' } });
    harness.takeCheckpoint();
    expect(harness.checkpointed).toBe(1);
    expect(durableContent(harness.disk).content).toEqual({ 0: { a: '1' } });
  });

  it('writes the meta pages in turn, each with the next generation', () => {
    const harness = newHarness();
    const generations: number[] = [];
    for (let i = 0; i < 4; i++) {
      harness.commitAndApply({ 0: { a: String(i) } });
      const written = watchWrites(harness.disk);
      harness.takeCheckpoint();
      harness.disk.onOperation = undefined;
      const { meta } = loadCheckpoint(harness.vfs, DIRECTORY);
      generations.push(meta.metaGeneration);
      expect([...written].filter((page) => page < META_PAGE_COUNT)).toEqual([
        meta.metaGeneration % 2,
      ]);
    }
    expect(generations).toEqual([2, 3, 4, 5]);
  });

  it('does not write pages that were superseded before', () => {
    const harness = newHarness();
    const first = harness.commitAndApply({ 0: { a: '1' } });
    // Somebody still reads the first version, so that its pages are not reused either.
    harness.pins.pin(first, harness.pager.birthMark());
    harness.commitAndApply({ 0: { a: '2' } });
    const written = watchWrites(harness.disk);
    harness.takeCheckpoint();
    const superseded = harness.diffs.get(first)!.allocated;
    expect(superseded.length).toBeGreaterThan(0);
    expect(superseded.filter((page) => written.has(page))).toEqual([]);
  });

  it('does nothing without changes but answers the request', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: { a: '1' } });
    harness.takeCheckpoint();
    const before = harness.disk.operationCount;
    harness.takeCheckpoint();
    expect(harness.isCheckpointAnswered).toBe(true);
    expect(harness.disk.operationCount).toBe(before);
  });

  it('follows a change within the interval, and the growth of the log', () => {
    const harness = newHarness({ init: { checkpointIntervalMs: 100 } });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.nowMs = 99;
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(0);
    expect(harness.loops[0]!.sleepMs()).toBeLessThanOrEqual(1);
    harness.nowMs = 100;
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(1);
    harness.commitAndApply({ 0: { a: '2' } });
    const segments = SIZES.walBytesMax / SIZES.walSegmentBytes;
    for (let i = 0; i <= segments / 2; i++) {
      harness.nextSegment();
      harness.runUntilIdle();
    }
    expect(harness.checkpointed).toBe(2);
  });

  it('never follows the clock with an interval of 0', () => {
    const harness = newHarness({ init: { checkpointIntervalMs: 0 } });
    harness.commitAndApply({ 0: { a: '1' } });
    harness.nowMs = 1e9;
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(0);
    expect(harness.loops[0]!.sleepMs()).toBe(Infinity);
    harness.takeCheckpoint();
    expect(harness.checkpointed).toBe(1);
  });

  it('that waits for the main thread to publish looks again without being rung', () => {
    const harness = newHarness({ applier: 'main', init: { checkpointIntervalMs: 0 } });
    const sequence = harness.commitAndApply({ 0: { a: '1' } });
    harness.requestCheckpoint();
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(0);
    expect(harness.loops[0]!.sleepMs()).toBeLessThan(Infinity);
    storeWide(harness.shared.progress, PROGRESS_APPLIED, sequence);
    harness.runUntilIdle();
    expect(harness.checkpointed).toBe(sequence);
    expect(harness.loops[0]!.sleepMs()).toBe(Infinity);
  });

  it('begins when many frames are dirty, and makes them clean', () => {
    const harness = newHarness({ init: { dirtyShareMax: 0.1 } });
    harness.commitAndApply({ 0: entries('k', 5000, 100) });
    expect(harness.checkpointed).toBe(1);
    expect(harness.pager.dirtyFrames()).toBe(0);
    expect(durableContent(harness.disk).content).toEqual(harness.history.get(1));
  });

  it('lets dropped families go from the catalog, and takes new ones in their slots', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: { a: '1' }, 1: { b: '1' } });
    harness.takeCheckpoint();
    harness.dropFamily(1);
    harness.sync();
    harness.runUntilIdle();
    harness.takeCheckpoint();
    const names = (disk: SimulatedDisk) => {
      const opened = new Harness({ disk });
      opened.close();
      return opened.families.map(({ id, name }) => `${id} ${name}`);
    };
    expect(names(harness.disk)).toEqual(['1 default']);
    harness.createFamily(1, 9, 'third');
    harness.commitAndApply({ 1: { c: '1' } });
    harness.takeCheckpoint();
    expect(names(harness.disk)).toEqual(['1 default', '9 third']);
    expect(durableContent(harness.disk).content).toEqual({ 0: { a: '1' }, 1: { c: '1' } });
  });
});

describe('commits beside a running checkpoint', () => {
  /*
   * Commit 5 makes page P, the checkpoint of 5 begins. Commit 6 supersedes P before the checkpoint
   * has written it, commit 7 would reuse its number. If P were free by then, the checkpoint would
   * write the bytes of 7 to its place.
   */
  it('neither reuse its pages nor wait for it', () => {
    const harness = newHarness();
    for (let i = 1; i <= 4; i++) harness.commitAndApply({ 0: { [`k${i}`]: 'x' } });
    const five = harness.commitAndApply({ 0: entries('five', 200, 100) });
    const pagesOfFive = new Set(harness.diffs.get(five)!.allocated);
    harness.requestCheckpoint();
    harness.step();
    expect(harness.isCheckpointAnswered).toBe(false);
    const reused: number[] = [];
    for (let i = 6; i <= 40; i++) {
      const sequence = harness.commit({ 0: entries('five', 200, 90 + i) });
      harness.sync();
      // One step drains it and does one piece of the checkpoint.
      harness.step();
      expect(harness.applied).toBe(sequence);
      if (harness.isCheckpointAnswered) break;
      const { allocated } = harness.diffs.get(sequence)!;
      reused.push(...allocated.filter((page) => pagesOfFive.has(page)));
    }
    expect(harness.applied).toBeGreaterThan(7);
    harness.runUntil(() => harness.isCheckpointAnswered);
    expect(reused).toEqual([]);
    const found = durableContent(harness.disk.crash({ keep: 'none' }));
    expect(found).toEqual({ sequence: five, content: harness.history.get(five) });
  });

  it('are in the next one', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: entries('k', 300, 100) });
    harness.requestCheckpoint();
    harness.step();
    const later = harness.commitAndApply({ 0: { k000001: 'new' }, 1: { other: 'x' } });
    harness.takeCheckpoint();
    const found = durableContent(harness.disk.crash({ keep: 'none' }));
    expect(found).toEqual({ sequence: later, content: harness.history.get(later) });
  });
});

describe('crashes in the middle of checkpoints', () => {
  /** Every crash state of some commits and checkpoints holds one of the checkpoints, whole. */
  function problemsAfterCrashes(bug: number, stepOfCrashes = 1): string[] {
    const harness = newHarness();
    harness.switchBugOn(bug);
    const problems: string[] = [];
    const acknowledged = () => harness.checkpointed;
    let checks = 0;
    const examine = (): void => {
      if (checks++ % stepOfCrashes !== 0) return;
      const { pendingWrites } = { pendingWrites: harness.disk.pendingWrites() };
      const states = [harness.disk.crash({ keep: 'none' }), harness.disk.crash({ keep: 'all' })];
      for (const { index } of pendingWrites) {
        states.push(
          harness.disk.crash({ keepOnly: index }),
          harness.disk.crash({ dropWrite: index }),
        );
      }
      for (const state of states) {
        try {
          const { sequence, content } = durableContent(state);
          expect(sequence).toBeGreaterThanOrEqual(acknowledged());
          expect(content).toEqual(withoutEmpty(harness.history.get(sequence)));
        } catch (error) {
          problems.push(String(error));
        }
      }
    };
    for (let round = 0; round < 4; round++) {
      harness.commitAndApply({ 0: entries('k', 40, 200), 1: { round: String(round) } });
      harness.commitAndApply({ 0: { k000007: `round ${round}` } });
      harness.disk.onOperation = examine;
      harness.takeCheckpoint();
      harness.disk.onOperation = undefined;
    }
    expect(checks).toBeGreaterThan(15);
    return problems;
  }

  it('leave the old or the new version', () => {
    expect(problemsAfterCrashes(0)).toEqual([]);
  });

  it('are found to lose pages when they are not synced before the meta page (B7)', () => {
    expect(problemsAfterCrashes(TEST_SWITCH_PAGES_NOT_SYNCED).length).toBeGreaterThan(0);
  });

  it('are found to damage the durable version when its pages are reused (B8)', () => {
    expect(problemsAfterCrashes(TEST_SWITCH_REUSE_EARLY).length).toBeGreaterThan(0);
  });
});

describe('free space', () => {
  it('is found again when the database is reopened', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: entries('k', 2000, 100) });
    harness.takeCheckpoint();
    const removed = Object.fromEntries(
      Object.keys(entries('k', 1500, 0)).map((key) => [key, undefined]),
    );
    harness.commitAndApply({ 0: removed });
    harness.takeCheckpoint();
    const { meta, freeMap } = loadCheckpoint(harness.vfs, DIRECTORY);
    expect(freeMap.inUse.count).toBeLessThan(meta.pageCount / 2);
    const reopened = new Harness({ disk: harness.disk });
    const row = reopened.commitAndApply({ 0: { more: 'x' } });
    for (const page of reopened.diffs.get(row)!.allocated) {
      expect(page).toBeLessThan(meta.pageCount);
      expect(freeMap.inUse.has(page)).toBe(false);
    }
  });

  it('is reused, so that the file does not grow under steady overwriting', () => {
    const harness = newHarness();
    const data = entries('k', 400, 100);
    const round = (value: string): void => {
      const changes = Object.fromEntries(Object.keys(data).map((key) => [key, value]));
      harness.commitAndApply({ 0: changes });
      harness.commitAndApply({ 0: { k000001: value }, 1: { [value]: 'x' } });
      harness.takeCheckpoint();
    };
    for (let i = 0; i < 8; i++) round(`warm-up ${i}`.padEnd(100, '.'));
    const sizeOf = () => loadCheckpoint(harness.vfs, DIRECTORY).meta.pageCount;
    const before = sizeOf();
    for (let i = 0; i < 25; i++) round(`round ${i}`.padEnd(100, '.'));
    expect(sizeOf()).toBe(before);
  });

  it('is described by maps of many chunks and of many directory pages', () => {
    const harness = newHarness({ init: { dirtyShareMax: 0.3 } });
    const chunkPages = (SIZES.pageBytes - 32) * 8;
    // Numbers far behind the end, as if a large transaction had taken and lost all before.
    harness.skipPages(chunkPages * 3);
    harness.commitAndApply({ 0: entries('k', 50, 100) });
    harness.takeCheckpoint();
    const { freeMap, meta } = loadCheckpoint(harness.vfs, DIRECTORY);
    expect(freeMap.chunks.length).toBe(4);
    expect(meta.pageCount).toBeGreaterThan(chunkPages * 3);
    expect(durableContent(harness.disk).content).toEqual(harness.history.get(1));
  });
});

describe('snapshots', () => {
  it('keep exactly their pages, as long as they are open', () => {
    const harness = newHarness();
    const one = harness.commitAndApply({ 0: entries('k', 100, 100) });
    harness.takeCheckpoint();
    const root = harness.admittedRoot(0);
    const pin = harness.pins.pin(one, harness.pager.birthMark());
    const pinned = new Set(harness.diffs.get(one)!.allocated);
    for (let i = 0; i < 12; i++) {
      const sequence = harness.commitAndApply({ 0: entries('k', 100, 90 - i) });
      harness.takeCheckpoint();
      const { allocated } = harness.diffs.get(sequence)!;
      expect(allocated.filter((page) => pinned.has(page))).toEqual([]);
    }
    expect(harness.contentOf(root)).toEqual(harness.history.get(one)![0]);
    const grown = loadCheckpoint(harness.vfs, DIRECTORY).meta.pageCount;
    harness.pins.unpin(pin);
    harness.runUntilIdle();
    const reused = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const sequence = harness.commitAndApply({ 0: entries('k', 100, 70 - i) });
      harness.takeCheckpoint();
      for (const page of harness.diffs.get(sequence)!.allocated) reused.add(page);
    }
    expect([...pinned].some((page) => reused.has(page))).toBe(true);
    expect(loadCheckpoint(harness.vfs, DIRECTORY).meta.pageCount).toBe(grown);
  });

  it('of dirty pages stay readable under memory pressure, and give their frames back', () => {
    const harness = newHarness({ init: { dirtyShareMax: 0.1 } });
    const pins: { root: ReturnType<Harness['admittedRoot']>; sequence: number }[] = [];
    for (let i = 0; i < 30; i++) {
      const sequence = harness.commitAndApply({ 0: entries('k', 250, 100 + i) });
      harness.pins.pin(sequence, harness.pager.birthMark());
      pins.push({ root: harness.admittedRoot(0), sequence });
      // Superseded before any checkpoint writes it.
      harness.commitAndApply({ 0: entries('k', 250, 80 + i) });
    }
    expect(harness.pager.dirtyFrames()).toBeLessThan(harness.pager.frameCount() * 0.2);
    for (const { root, sequence } of pins) {
      expect(harness.contentOf(root)).toEqual(harness.history.get(sequence)![0]);
    }
  });

  it('made on a published root set inside an operation are seen before its pages go', () => {
    const harness = newHarness();
    const one = harness.commitAndApply({ 0: entries('k', 50, 100) });
    const pages = new Set(harness.diffs.get(one)!.allocated);
    harness.pager.beginOperation();
    const { sequence } = harness.publishedHeader();
    expect(sequence).toBe(one);
    // Commit 2 supersedes all of it and is applied while the operation still runs.
    const two = harness.commitInsideOperation({ 0: entries('k', 50, 90) });
    harness.sync();
    harness.runUntilIdle();
    expect(harness.applied).toBe(two);
    const root = harness.pins.pin(sequence, harness.reader.mark);
    harness.pager.endOperation();
    harness.runUntilIdle();
    for (let i = 0; i < 5; i++) {
      const next = harness.commitAndApply({ 0: entries('k', 50, 80 - i) });
      expect(harness.diffs.get(next)!.allocated.filter((page) => pages.has(page))).toEqual([]);
    }
    harness.pins.unpin(root);
  });
});

describe('what is on disk', () => {
  it('is sealed: every page in use carries its number, kind and checksum', () => {
    const harness = newHarness();
    harness.commitAndApply({ 0: entries('k', 400, 100), 1: { big: 'x'.repeat(20_000) } });
    harness.takeCheckpoint();
    const { freeMap } = loadCheckpoint(harness.vfs, DIRECTORY);
    const file = harness.vfs.open(DATA_PATH, 'read');
    const page = new Uint8Array(SIZES.pageBytes);
    const bad = new PageBitmap();
    for (const number of freeMap.inUse.toArray()) {
      file.read(page, number * SIZES.pageBytes);
      if (checkPage(page, number, undefined) !== undefined) bad.add(number);
    }
    file.close();
    expect([...bad.toArray()]).toEqual([]);
  });
});

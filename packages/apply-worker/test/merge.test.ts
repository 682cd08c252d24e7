/** Sealed generations: what is in the trees afterwards, at which sequences it is published. */
import { describe, expect, it } from 'vitest';
import {
  MERGE_WHOLE,
  MIB,
  PROGRESS_MERGE_LEFT,
  PROGRESS_SHUTDOWN,
  PROGRESS_VIEW,
  SHUTDOWN_DRAIN,
  STAT_MERGES,
  STAT_MERGE_BYTES,
  STAT_MERGE_COMMITS,
  STAT_MERGE_ENTRIES,
  STAT_MERGE_NS,
  QUEUE_POPPED,
  storeWide,
} from '@manifold-db/storage';
import { BufferedMain, type Operation } from './buffered.js';

function put(family: number, key: string, value: string): Operation {
  return { kind: 'put', family, key, value };
}

/** `count` families, created by one commit. */
function newMain(applyWorkers = 1, count = 4): { main: BufferedMain; families: number[] } {
  const main = new BufferedMain({ sizes: { applyWorkers } });
  const families = Array.from({ length: count }, () => main.newFamily());
  main.commit(families.map((family) => ({ kind: 'create', family })));
  return { main, families };
}

function fill(main: BufferedMain, family: number, from: number, count: number, value: string) {
  for (let i = from; i < from + count; i += 50) {
    const operations = Array.from({ length: Math.min(50, from + count - i) }, (_, k) => {
      return put(family, `key${String(i + k).padStart(6, '0')}`, `${value}${i + k}`);
    });
    main.commit(operations);
  }
}

function expectPublished(main: BufferedMain, sequence: number): void {
  expect(main.harness.failure).toBeUndefined();
  expect(main.published()).toEqual({ sequence, content: main.contentAt(sequence) });
}

describe.each([1, 2, 4])('a sealed generation, with %i workers', (applyWorkers) => {
  it('has the effect of its commits, one by one', () => {
    const { main, families } = newMain(applyWorkers);
    const [a, b, c, d] = families as [number, number, number, number];
    fill(main, a, 0, 600, 'first');
    main.mergeAll();
    expectPublished(main, main.appended);
    fill(main, a, 300, 600, 'second');
    fill(main, b, 0, 100, 'b');
    main.commit([put(c, '', 'empty key'), put(c, 'big', 'x'.repeat(20_000))]);
    main.commit([{ kind: 'clear', family: a, low: 'key000100', high: 'key000250' }]);
    main.commit([
      put(a, 'key000120', 'after the clear'),
      { kind: 'delete', family: a, key: 'key000001' },
      { kind: 'delete', family: a, key: 'nothing there' },
      { kind: 'clear', family: b },
      put(b, 'again', '1'),
    ]);
    main.commit([{ kind: 'drop', family: c }]);
    const next = main.newFamily();
    main.commit([{ kind: 'create', family: next }, put(next, 'k', 'v')]);
    main.mergeAll();
    expectPublished(main, main.appended);
    expect(main.families.sort()).toEqual([a, b, d, next]);
    // In the file as well, and the page account agrees with it (MANIFOLD_CHECKS).
    main.harness.takeCheckpoint();
    expect(main.harness.failure).toBeUndefined();
    const reopened = new BufferedMain({ disk: main.harness.disk.crash({ keep: 'none' }) });
    expect(reopened.newest).toEqual(main.newest);
  });

  it('is merged when its last commit is synced, and not before', () => {
    const { main, families } = newMain(applyWorkers);
    fill(main, families[0]!, 0, 200, 'v');
    const last = main.seal();
    main.harness.sync(last - 1);
    main.settle();
    expect(main.harness.applied).toBe(0);
    main.harness.sync(last);
    main.settle();
    expectPublished(main, last);
  });

  it('is held back until somebody waits for one of its commits', () => {
    const { main, families } = newMain(applyWorkers);
    fill(main, families[0]!, 0, 200, 'v');
    const middle = main.appended;
    fill(main, families[0]!, 100, 200, 'w');
    const first = main.seal([], true);
    fill(main, families[1]!, 0, 200, 'x');
    const second = main.seal([], true);
    main.harness.sync(second);
    main.settle();
    expect(main.harness.applied).toBe(0);
    main.wantMerge(middle);
    main.settle();
    expectPublished(main, first);
    main.wantMerge(second);
    main.settle();
    expectPublished(main, second);
  });

  it('keeps its place between page diffs', () => {
    const { main, families } = newMain(applyWorkers);
    const [a, b] = families as [number, number];
    for (let round = 0; round < 3; round++) {
      fill(main, a, round * 40, 100, `round ${round} `);
      main.mergeAll();
      main.commitPages(b, { [`k${round}`]: 'page diff', [`k${round - 1}`]: undefined });
      main.commitPages(a, { key000003: `page diff ${round}` });
      fill(main, b, 0, 20, `${round}`);
      const last = main.seal();
      fill(main, a, 0, 5, `late ${round}`);
      main.seal();
      // The group of page diffs must not run across the generation behind it.
      main.harness.sync(last);
      main.settle();
      expectPublished(main, last);
      main.harness.sync();
      main.settle();
      expectPublished(main, main.appended);
    }
    expect(main.harness.producer.commitsInside()).toBe(0);
  });

  it('is followed by others, which wait in the queue', () => {
    const { main, families } = newMain(applyWorkers);
    const sealed: number[] = [];
    for (let i = 0; i < 2; i++) {
      fill(main, families[i]!, 0, 300, `v${i}`);
      sealed.push(main.seal());
    }
    expect(main.harness.producer.commitsInside()).toBe(2);
    const popped = main.harness.shared.queueControl[QUEUE_POPPED]!;
    main.harness.sync();
    main.settle();
    expect(main.harness.shared.queueControl[QUEUE_POPPED]).toBe(popped + 2);
    expectPublished(main, sealed[1]!);
  });

  it('is merged before the workers end, held back or not', () => {
    const { main, families } = newMain(applyWorkers);
    fill(main, families[0]!, 0, 500, 'v');
    main.seal();
    fill(main, families[1]!, 0, 500, 'w');
    main.seal([], true);
    const { harness } = main;
    Atomics.store(harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    harness.runUntilIdle();
    expect(harness.loops.map((loop) => loop.step())).not.toContain('stopped');
    harness.sync();
    harness.runUntilIdle();
    expect(harness.loops.map((loop) => loop.step())).toEqual(harness.loops.map(() => 'stopped'));
    expect(harness.failure).toBeUndefined();
    expect(harness.checkpointed).toBe(main.appended);
    expect(new BufferedMain({ disk: harness.disk }).newest).toEqual(main.newest);
  });
});

describe('generations that wait behind one another', () => {
  /** Six generations, so three at once. */
  function sealThree(stopIn?: number, keys = 300): { main: BufferedMain; sealed: number[] } {
    const main = new BufferedMain({ sizes: { writeBufferCount: 6, writeBufferBytes: MIB } });
    const families = Array.from({ length: 2 }, () => main.newFamily());
    main.commit(families.map((family) => ({ kind: 'create', family })));
    main.mergeAll();
    const sealed: number[] = [];
    for (let i = 0; i < 3; i++) {
      fill(main, families[0]!, i * 100, keys, `${i}:`);
      if (i === stopIn) main.takeSnapshot();
      main.commit([put(families[1]!, `k${i}`, 'v'), put(families[1]!, 'all', `${i}`)]);
      sealed.push(main.seal());
    }
    main.harness.sync();
    return { main, sealed };
  }

  it('are merged together, with one root set and one visit to each entry', () => {
    const { main, sealed } = sealThree();
    const { statistics } = main.harness.shared;
    const entriesBefore = statistics[STAT_MERGE_ENTRIES]!;
    const mergesBefore = statistics[STAT_MERGES]!;
    main.publishable.delete(sealed[0]!);
    main.publishable.delete(sealed[1]!);
    main.settle();
    expectPublished(main, sealed[2]!);
    expect(main.harness.producer.commitsInside()).toBe(0);
    expect(statistics[STAT_MERGES]! - mergesBefore).toBe(3);
    // 500 keys of one family, 4 of the other.
    expect(statistics[STAT_MERGE_ENTRIES]! - entriesBefore).toBe(504);
  });

  it('say how much of the merge is left', () => {
    const { main, sealed } = sealThree(undefined, 3000);
    const { progress } = main.harness.shared;
    const seen: number[] = [0];
    while (main.harness.applied < sealed[2]!) {
      main.harness.step();
      const left = progress[PROGRESS_MERGE_LEFT]!;
      if (left !== seen.at(-1)) seen.push(left);
      if (main.harness.applied < sealed[0]!) main.follow();
    }
    const falling = seen.slice(1).toSorted((a, b) => b - a);
    expect(seen.slice(1)).toEqual(falling);
    expect(seen.at(-1)).toBe(0);
    expect(Math.max(...seen)).toBeLessThanOrEqual(MERGE_WHOLE);
    expect(seen.length).toBeGreaterThan(2);
  });

  it('are not when their commits are not all synced', () => {
    const main = new BufferedMain({ sizes: { writeBufferCount: 6 } });
    const family = main.newFamily();
    main.commit([{ kind: 'create', family }]);
    const first = main.seal();
    fill(main, family, 0, 300, 'v');
    const second = main.seal();
    main.harness.sync(second - 1);
    main.settle();
    expectPublished(main, first);
  });

  it('are not when a snapshot stands in one of them', () => {
    const { main, sealed } = sealThree(2);
    main.harness.runUntilIdle();
    // Two together, then the root set of the snapshot.
    const { sequence } = main.snapshots[0]!;
    expectPublished(main, sequence);
    expect(sequence).toBeGreaterThan(sealed[1]!);
    expect(main.harness.producer.commitsInside()).toBe(1);
    main.settle();
    expectPublished(main, sealed[2]!);
  });
});

describe('stops', () => {
  it('are root sets of their own, one after the other, each when VIEW has reached the last', () => {
    const { main, families } = newMain(2);
    const [a, b] = families as [number, number];
    const snapshots = [main.takeSnapshot()];
    for (let i = 0; i < 4; i++) {
      fill(main, a, i * 100, 400, `${i}:`);
      main.commit([put(b, `k${i}`, 'v'), { kind: 'clear', family: a, low: 'key000390' }]);
      snapshots.push(main.takeSnapshot());
    }
    main.commit([{ kind: 'drop', family: b }]);
    const last = main.seal();
    main.harness.sync();
    for (const snapshot of snapshots) {
      // Nothing passes the stop, however long the workers run.
      main.harness.runUntilIdle();
      expectPublished(main, snapshot.sequence);
      main.follow();
      expect(main.view).toBe(snapshot.sequence);
    }
    main.settle();
    expectPublished(main, last);
    for (const snapshot of snapshots) {
      expect(main.closeSnapshot(snapshot)).toEqual(snapshot.content);
    }
  });

  it('hold a root set that was published before the generation began', () => {
    const { main, families } = newMain();
    fill(main, families[0]!, 0, 100, 'one');
    main.mergeAll();
    const staged = main.harness.applied;
    fill(main, families[0]!, 0, 100, 'two');
    const last = main.seal([staged]);
    main.harness.sync();
    // As if the main thread had not looked yet.
    storeWide(main.harness.shared.progress, PROGRESS_VIEW, staged - 1);
    main.harness.runUntilIdle();
    expectPublished(main, staged);
    expect(main.harness.loops[0]!.sleepMs()).toBeGreaterThan(1000);
    main.settle();
    expectPublished(main, last);
  });

  it('count as one commit in the queue, and hold the generation until the last', () => {
    const { main, families } = newMain();
    fill(main, families[0]!, 0, 100, 'one');
    main.takeSnapshot();
    fill(main, families[0]!, 0, 100, 'two');
    main.seal();
    main.harness.sync();
    main.harness.runUntilIdle();
    expect(main.harness.producer.commitsInside()).toBe(1);
    main.settle();
    expect(main.harness.producer.commitsInside()).toBe(0);
  });

  it('keep the pages of their root sets as long as the snapshots are open', () => {
    const { main, families } = newMain();
    const kept: ReturnType<BufferedMain['takeSnapshot']>[] = [];
    for (let i = 0; i < 12; i++) {
      fill(main, families[0]!, 0, 300, `round ${i} `);
      if (i % 3 === 0) kept.push(main.takeSnapshot());
      fill(main, families[0]!, 50, 20, 'more');
      main.mergeAll();
      main.harness.takeCheckpoint();
    }
    for (const snapshot of kept) {
      expect(main.closeSnapshot(snapshot)).toEqual(snapshot.content);
    }
    expect(main.harness.failure).toBeUndefined();
  });
});

describe('statistics of merges', () => {
  it('count generations, commits, entries and bytes', () => {
    const { main, families } = newMain();
    fill(main, families[0]!, 0, 100, 'v');
    fill(main, families[0]!, 0, 50, 'w');
    const bytes = main.active.usedBytes;
    const commits = main.active.commitCount;
    main.mergeAll();
    const { statistics } = main.harness.shared;
    expect(statistics[STAT_MERGES]).toBe(1);
    expect(statistics[STAT_MERGE_COMMITS]).toBe(commits);
    // Keys that were written twice go into the tree once.
    expect(statistics[STAT_MERGE_ENTRIES]).toBe(100);
    expect(statistics[STAT_MERGE_BYTES]).toBe(bytes);
    expect(statistics[STAT_MERGE_NS]).toBeGreaterThan(0);
  });
});

/** Merges under pressure: caches smaller than a generation, checkpoints beside them, full disks. */
import { describe, expect, it } from 'vitest';
import {
  DATA_FILE_NAME,
  Diff,
  FAILURE_DATA_WRITE,
  KIB,
  LOG_FULL,
  MIB,
  PROGRESS_SHUTDOWN,
  PageKind,
  SHUTDOWN_DRAIN,
  createFaultVfs,
  type FaultRule,
  type SimulatedDisk,
  type Vfs,
} from '@manifold-db/storage';
import { BufferedMain, type Operation } from './buffered.js';
import { SIZES, type HarnessOptions } from './harness.js';

/** 256 frames for generations of up to 4 MiB. */
const SMALL_CACHE = { cacheBytes: MIB, writeBufferBytes: 4 * MIB };

function newMain(options: HarnessOptions = {}): { main: BufferedMain; family: number } {
  const main = new BufferedMain({ ...options, sizes: { ...SMALL_CACHE, ...options.sizes } });
  const family = main.newFamily();
  main.commit([{ kind: 'create', family }]);
  return { main, family };
}

/** Keys all over the tree, so that every entry touches a leaf of its own. */
function scattered(family: number, from: number, count: number, value: string): Operation[] {
  return Array.from({ length: count }, (_, i) => {
    const place = Math.imul(from + i, 0x9e3779b1) >>> 0;
    return { kind: 'put', family, key: `key${String(place).padStart(10, '0')}`, value };
  });
}

function load(main: BufferedMain, family: number, from: number, count: number, value: string) {
  for (let i = 0; i < count; i += 250) {
    main.commit(scattered(family, from + i, Math.min(250, count - i), `${value}${i}`));
  }
}

function watchPageWrites(disk: SimulatedDisk): { count: number } {
  const seen = { count: 0 };
  disk.onOperation = (_index, description) => {
    const match = /^write (\S+) (\d+)\+(\d+)$/.exec(description);
    if (match?.[1]?.endsWith(DATA_FILE_NAME) !== true) return;
    seen.count += Number(match[3]) / SIZES.pageBytes;
  };
  return seen;
}

function gatedFaults(rule: Omit<FaultRule, 'gate'>) {
  const gate = new SharedArrayBuffer(4);
  const word = new Int32Array(gate);
  return {
    wrapVfs: (vfs: Vfs) => createFaultVfs(vfs, [{ ...rule, gate }]),
    open: () => Atomics.store(word, 0, 1),
    close: () => Atomics.store(word, 0, 0),
  };
}

function expectDurable(main: BufferedMain, sequence: number): void {
  const reopened = new BufferedMain({ disk: main.harness.disk.crash({ keep: 'none' }) });
  expect(reopened.appended).toBe(sequence);
  expect(reopened.newest).toEqual(main.contentAt(sequence));
}

describe('a merge that supersedes most of what is dirty', () => {
  it('is not preceded by a checkpoint of just that', () => {
    // Rewritten by the second merge, the pages of the first take more than half of the frames.
    const { main, family } = newMain({
      init: { dirtyShareMax: 0.5 },
      sizes: { cacheBytes: 4 * MIB },
    });
    const { pager } = main.harness;
    load(main, family, 0, 3700, 'x'.repeat(300));
    main.mergeAll();
    const dirtyFrames = pager.dirtyFrames();
    expect(dirtyFrames).toBeGreaterThan(pager.frameCount() / 4);
    expect(dirtyFrames).toBeLessThan((pager.frameCount() * 3) / 8);
    const written = watchPageWrites(main.harness.disk);
    load(main, family, 0, 3700, 'y'.repeat(300));
    main.mergeAll();
    main.harness.disk.onOperation = undefined;
    expect(written.count).toBe(0);
    expect(main.published()).toEqual({ sequence: main.appended, content: main.newest });
  });
});

describe('a merge larger than the cache', () => {
  it('writes pages early, which a later checkpoint takes over', () => {
    const { main, family } = newMain({ init: { dirtyShareMax: 1 } });
    load(main, family, 0, 4000, 'x'.repeat(300));
    const snapshot = main.takeSnapshot();
    load(main, family, 2000, 4000, 'y'.repeat(250));
    const written = watchPageWrites(main.harness.disk);
    main.mergeAll();
    main.harness.disk.onOperation = undefined;
    expect(main.harness.checkpointed).toBe(0);
    expect(written.count).toBeGreaterThan(256);
    expect(main.published()).toEqual({ sequence: main.appended, content: main.newest });
    expect(main.closeSnapshot(snapshot)).toEqual(snapshot.content);
    main.harness.takeCheckpoint();
    expect(main.harness.failure).toBeUndefined();
    expectDurable(main, main.appended);
  });

  it('takes values of any size, overwritten, deleted and cleared', () => {
    const { main, family } = newMain({ init: { dirtyShareMax: 0.5 } });
    const sizes = [0, 3 * KIB, 30 * KIB, 200 * KIB, 300 * KIB, 700 * KIB];
    for (let round = 0; round < 4; round++) {
      sizes.forEach((bytes, i) => {
        const value = `${round}`.repeat(bytes);
        main.commit([{ kind: 'put', family, key: `value ${(i + round) % 8}`, value }]);
      });
      load(main, family, round * 500, 1000, 'small'.repeat(20));
      main.commit([{ kind: 'delete', family, key: `value ${round}` }]);
      if (round === 2) main.commit([{ kind: 'clear', family, low: 'value 2', high: 'value 5' }]);
      main.mergeAll();
      main.harness.takeCheckpoint();
      expect(main.harness.failure).toBeUndefined();
      expectDurable(main, main.appended);
    }
  });

  it('waits for a checkpoint when the frames are full of what was applied before', () => {
    const { main, family } = newMain({ init: { dirtyShareMax: 1 } });
    main.mergeAll();
    const { pager } = main.harness;
    for (let i = 0; pager.frameCount() - pager.dirtyFrames() > 140; i++) {
      main.commitPages(family, { [`page diff ${i}`]: 'x'.repeat(20_000) });
      main.settle();
    }
    // What is free beside them is taken by this thread.
    pager.reserveFrames(pager.freeFrames() - 8);
    expect(main.harness.checkpointed).toBe(0);
    // More frames than the worker has in stock, before it has anything to write early.
    main.commit([{ kind: 'put', family, key: 'a', value: 'x'.repeat(250 * KIB) }]);
    main.mergeAll();
    pager.returnFrames();
    expect(main.harness.checkpointed).toBeGreaterThan(0);
    expect(main.published()).toEqual({ sequence: main.appended, content: main.newest });
  });

  it('waits while a transaction of another thread has the frames', () => {
    const { main, family } = newMain();
    const { pager } = main.harness;
    main.harness.runUntilIdle();
    const hungry = new Diff();
    hungry.reset(pager.newToken());
    pager.beginOperation();
    expect(() => {
      for (;;) pager.allocate(hungry, PageKind.LEAF, 0);
    }).toThrow('no page frame is free');
    pager.endOperation();
    load(main, family, 0, 500, 'v');
    const last = main.seal();
    main.harness.sync();
    main.harness.runUntilIdle();
    expect(main.harness.applied).toBe(0);
    expect(main.harness.loops[0]!.sleepMs()).toBeLessThan(100);
    pager.rollBack(hungry, { allocatedCount: 0, freedCount: 0 });
    main.settle();
    expect(main.harness.applied).toBe(last);
    expect(main.published().content).toEqual(main.newest);
  });
});

describe('a checkpoint beside a merge', () => {
  it('has the version before the merge, and is durable before the merge is done', () => {
    const { main, family } = newMain({ sizes: { cacheBytes: 8 * MIB } });
    load(main, family, 0, 500, 'before');
    main.mergeAll();
    const before = main.appended;
    load(main, family, 0, 10_000, 'after');
    const last = main.seal();
    main.harness.sync();
    main.harness.step();
    main.harness.requestCheckpoint();
    main.harness.runUntil(() => main.harness.isCheckpointAnswered);
    expect(main.harness.applied).toBe(before);
    expect(main.harness.checkpointed).toBe(before);
    expectDurable(main, before);
    main.settle();
    expect(main.harness.applied).toBe(last);
    main.harness.takeCheckpoint();
    expectDurable(main, last);
  });

  it('may have a stop in the middle of a generation', () => {
    const { main, family } = newMain({ sizes: { cacheBytes: 8 * MIB } });
    load(main, family, 0, 2000, 'first');
    const snapshot = main.takeSnapshot();
    load(main, family, 1000, 4000, 'second');
    main.seal();
    main.harness.sync();
    main.harness.takeCheckpoint();
    // The second window is merged ahead, but the stop holds it.
    main.harness.takeCheckpoint();
    expect(main.harness.checkpointed).toBe(snapshot.sequence);
    expectDurable(main, snapshot.sequence);
    main.settle();
    main.harness.takeCheckpoint();
    expectDurable(main, main.appended);
  });

  it('leaves every crash in the middle of both with one of the published versions', () => {
    const { main, family } = newMain();
    load(main, family, 0, 1500, 'one');
    main.mergeAll();
    main.harness.takeCheckpoint();
    load(main, family, 500, 1000, 'two'.repeat(50));
    main.takeSnapshot();
    load(main, family, 0, 2000, 'three'.repeat(40));
    main.seal();
    main.harness.sync();
    let checks = 0;
    main.harness.disk.onOperation = () => {
      checks++;
      for (const keep of ['none', 'all'] as const) {
        const reopened = new BufferedMain({ disk: main.harness.disk.crash({ keep }) });
        expect(main.publishable).toContain(reopened.appended);
        expect(reopened.newest).toEqual(main.contentAt(reopened.appended));
      }
    };
    main.harness.requestCheckpoint();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) main.harness.step();
      main.harness.requestCheckpoint();
    }
    main.settle();
    main.harness.takeCheckpoint();
    main.harness.disk.onOperation = undefined;
    expect(checks).toBeGreaterThan(15);
    expect(main.harness.failure).toBeUndefined();
    expectDurable(main, main.appended);
  });
});

describe('a full disk', () => {
  it.each(['small values', 'values that go straight to the file'])(
    'stops a merge that has to write early, until there is room: %s',
    (what) => {
      const faults = gatedFaults({ operation: 'write', pathIncludes: 'data', errno: 'ENOSPC' });
      const { main, family } = newMain({ wrapVfs: faults.wrapVfs });
      load(main, family, 0, 300, 'before');
      main.mergeAll();
      const before = main.appended;
      faults.open();
      if (what === 'small values') {
        load(main, family, 0, 6000, 'x'.repeat(300));
      } else {
        for (let i = 0; i < 4; i++) {
          main.commit([...scattered(family, i * 90, 90, 'next to it')]);
          main.commit([{ kind: 'put', family, key: `large ${i}`, value: 'l'.repeat(300 * KIB) }]);
        }
      }
      const last = main.seal();
      main.harness.sync();
      for (let tries = 0; tries < 3; tries++) {
        main.harness.nowMs += 1000;
        main.settle();
        expect(main.harness.failure).toBeUndefined();
        expect(main.harness.applied).toBe(before);
        expect(main.harness.logWord(LOG_FULL)).toBe(1);
      }
      faults.close();
      main.harness.nowMs += main.harness.loops[0]!.sleepMs();
      main.settle();
      expect(main.harness.logWord(LOG_FULL)).toBe(0);
      expect(main.published()).toEqual({ sequence: last, content: main.newest });
      main.harness.takeCheckpoint();
      expect(main.harness.failure).toBeUndefined();
      expectDurable(main, last);
    },
  );

  it.each([1, 2])('lets %i workers end without the merge: the log has it', (applyWorkers) => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'data', errno: 'ENOSPC' });
    const { main, family } = newMain({ wrapVfs: faults.wrapVfs, sizes: { applyWorkers } });
    load(main, family, 0, 300, 'before');
    main.mergeAll();
    main.harness.takeCheckpoint();
    const before = main.appended;
    faults.open();
    load(main, family, 0, 6000, 'x'.repeat(300));
    main.seal();
    load(main, family, 0, 10, 'behind it');
    main.seal();
    main.harness.sync();
    Atomics.store(main.harness.shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_DRAIN);
    main.settle();
    const ends = main.harness.loops.map((loop) => loop.step());
    expect(ends).toEqual(main.harness.loops.map(() => 'stopped'));
    expect(main.harness.failure).toBeUndefined();
    expectDurable(main, before);
  });
});

describe('a page that cannot be written early', () => {
  it('poisons the database', () => {
    const faults = gatedFaults({ operation: 'write', pathIncludes: 'data', errno: 'EIO' });
    const { main, family } = newMain({ wrapVfs: faults.wrapVfs });
    load(main, family, 0, 300, 'before');
    main.mergeAll();
    const before = main.appended;
    faults.open();
    load(main, family, 0, 6000, 'x'.repeat(300));
    main.seal();
    main.harness.sync();
    main.harness.runUntilIdle();
    expect(main.harness.failure?.code).toBe(FAILURE_DATA_WRITE);
    expect(main.harness.applied).toBe(before);
    expect(main.harness.loops[0]!.step()).toBe('stopped');
  });
});

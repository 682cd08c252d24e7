/**
 * stats(): every field is there, has the type it is documented with, and moves when what it counts
 * happens.
 */
import type { Database, Stats } from '@manifold-db/core';
import { expect, it } from 'vitest';
import {
  MIB,
  SMALL,
  databasePath,
  expectCode,
  openSmall,
  openSmallWith,
  until,
} from './support/api-database.js';

/** Every leaf as `path: type`. */
function shape(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([name, inner]) => shape(inner, `${path}.${name}`));
}

const NUMBERS: Record<string, string[]> = {
  sequences: ['committed', 'appended', 'written', 'synced', 'applied', 'checkpointed'],
  log: [
    'segmentCount',
    'bytes',
    'bytesMax',
    'segmentsCreated',
    'segmentsRecycled',
    'ringBytesUsed',
    'recordsWritten',
    'blocksWritten',
    'bytesWritten',
    'syncs',
    'syncLatencyUs',
    'recordsPerSync',
  ],
  cache: [
    'bytes',
    'pageBytes',
    'frameCount',
    'freeFrameCount',
    'dirtyFrameCount',
    'livePageCount',
    'freePageCount',
  ],
  checkpoints: ['count', 'pagesWritten', 'bytesWritten', 'durationMs'],
  pendingCommits: ['count', 'countMax', 'waitingCount', 'waitingBytes', 'waitingBytesMax'],
  'stalls.waits': ['BuildChanges', 'AppendWal', 'WaitForSync', 'ApplyChanges'],
  stalls: ['blockedCalls', 'blockedMs'],
  recovery: [
    'checkpointSequence',
    'lastSequence',
    'commitsReplayed',
    'bytesReplayed',
    'segmentsRead',
    'bytesCut',
    'durationMs',
  ],
  'options.workers': ['apply', 'pool'],
  memory: [
    'cacheBytes',
    'pageTableBytes',
    'ringBytes',
    'queueBytes',
    'tablesBytes',
    'pendingBytes',
    'workerBufferBytes',
    'totalBytes',
  ],
};

it('has every documented field', async () => {
  const db = await openSmall();
  const stats = db.stats();
  const paths = shape(stats);
  for (const [group, names] of Object.entries(NUMBERS)) {
    for (const name of names) expect(paths).toContain(`.${group}.${name}: number`);
  }
  expect(paths).toContain('.recovery.created: boolean');
  expect(paths).toContain('.recovery.clean: boolean');
  expect(stats).toMatchObject({ oldestSnapshot: undefined, failure: undefined });
  expect(stats.stalls.brake).toBeUndefined();
  for (const line of paths) expect(line).not.toMatch(/NaN/);
  const { totalBytes, ...parts } = stats.memory;
  expect(totalBytes).toBe(Object.values(parts).reduce((sum, bytes) => sum + bytes));
  expect(stats.options).toMatchObject({ ...SMALL, mode: 'buffered', durability: 'immediate' });
  // A snapshot of figures: it does not move.
  const before = structuredClone(stats);
  await db.put('a', '1');
  expect(db.stats().sequences.committed).toBe(1);
  expect(stats).toEqual(before);
});

it('the default memory is below the 200 MiB that the documentation promises', async () => {
  const db = await openSmall(databasePath(), {
    cacheBytes: undefined,
    walRingBytes: undefined,
    walSegmentBytes: undefined,
    walBytesMax: undefined,
  });
  expect(db.stats().memory.totalBytes).toBeLessThan(200 * MIB);
  expect(db.stats().cache.bytes).toBe(64 * MIB);
});

function figures(db: Database): Stats {
  const stats = db.stats();
  const { committed, appended, written, synced, applied, checkpointed } = stats.sequences;
  expect(committed).toBeLessThanOrEqual(appended);
  for (const [low, high] of [
    [checkpointed, applied],
    [applied, synced],
    [synced, written],
    [written, appended],
  ] as const) {
    expect(low).toBeLessThanOrEqual(high);
  }
  const { frameCount, freeFrameCount, dirtyFrameCount, bytes, pageBytes } = stats.cache;
  expect(frameCount * pageBytes).toBe(bytes);
  expect(freeFrameCount + dirtyFrameCount).toBeLessThanOrEqual(frameCount);
  expect(stats.log.bytes).toBeLessThanOrEqual(stats.log.bytesMax);
  return stats;
}

it('commits, syncs, pages and checkpoints are counted', async () => {
  const db = await openSmall(databasePath(), { checkpointIntervalMs: 0 });
  const start = figures(db);
  for (let at = 0; at < 50; at++) await db.put(`k${at}`, 'x'.repeat(2000));
  await db.waitForApply();
  const written = figures(db);
  expect(written.sequences).toMatchObject({ committed: 50, synced: 50, applied: 50 });
  expect(written.sequences.checkpointed).toBe(0);
  expect(written.log.recordsWritten).toBe(50);
  expect(written.log.bytesWritten).toBeGreaterThan(50 * 2000);
  expect(written.log.syncs).toBeGreaterThan(0);
  expect(written.log.syncs).toBeLessThanOrEqual(written.log.blocksWritten);
  expect(written.log.syncLatencyUs).toBeGreaterThan(0);
  expect(written.log.recordsPerSync).toBeCloseTo(50 / written.log.syncs);
  expect(written.cache.dirtyFrameCount).toBeGreaterThan(start.cache.dirtyFrameCount);
  expect(written.cache.freeFrameCount).toBeLessThan(start.cache.freeFrameCount);

  await db.checkpoint();
  const checkpointed = figures(db);
  expect(checkpointed.sequences.checkpointed).toBe(50);
  expect(checkpointed.checkpoints.count).toBe(start.checkpoints.count + 1);
  expect(checkpointed.checkpoints.pagesWritten).toBeGreaterThanOrEqual(25);
  expect(checkpointed.checkpoints.bytesWritten).toBeGreaterThan(50 * 2000);
  expect(checkpointed.checkpoints.durationMs).toBeGreaterThan(0);
  expect(checkpointed.cache.livePageCount).toBeGreaterThan(start.cache.livePageCount);
  expect(checkpointed.cache.dirtyFrameCount).toBeLessThan(written.cache.dirtyFrameCount);

  await db.clear();
  await db.checkpoint();
  await db.put('a', '1');
  await db.checkpoint();
  await until(() => figures(db).cache.freePageCount > 20);
  expect(figures(db).cache.livePageCount).toBeLessThan(checkpointed.cache.livePageCount);
});

it('segments are created and recycled', async () => {
  const db = await openSmall();
  for (let at = 0; at < 40; at++) {
    await db.put(`k${at % 4}`, 'x'.repeat(MIB / 2), { durability: 'async' });
    figures(db);
  }
  await db.checkpoint();
  const { log } = figures(db);
  expect(log.segmentsCreated).toBeGreaterThan(0);
  expect(log.segmentsRecycled).toBeGreaterThan(0);
  expect(log.bytes).toBe(log.segmentCount * SMALL.walSegmentBytes);
});

it('pending and waiting operations show, with the stage that holds them up', async () => {
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 100_000 } as const;
  // A write buffer takes many commits before anything is pending.
  const db = await openSmallWith({ vfsSpec }, { mode: 'pipelined', pendingCommitsMax: 2 });
  await db.put('a', '1');
  await db.waitForApply();
  const commits = Array.from({ length: 10 }, (_, at) => db.put(`k${at}`, 'x'));
  const { pendingCommits, stalls } = db.stats();
  expect(pendingCommits).toMatchObject({ count: 2, countMax: 2 });
  expect(pendingCommits.waitingCount).toBeGreaterThanOrEqual(8);
  expect(pendingCommits.waitingBytes).toBeGreaterThan(0);
  expect(stalls.brake).toBe('ApplyChanges');
  expect(stalls.waits.ApplyChanges).toBeGreaterThan(0);
  await Promise.all(commits);
  const { pendingCommits: after } = db.stats();
  expect(after).toMatchObject({ waitingCount: 0, waitingBytes: 0 });
});

it('snapshots show with sequence, age and pinned pages', async () => {
  const db = await openSmall();
  await db.write((tx) => {
    for (let at = 0; at < 200; at++) tx.put(db.defaultFamily, `k${at}`, 'x'.repeat(2000));
  });
  const older = db.snapshot();
  await db.put('a', '1');
  const newer = db.snapshot();
  expect(db.stats().oldestSnapshot).toMatchObject({ sequence: 1 });
  await db.clear();
  await db.checkpoint();
  await until(() => db.stats().oldestSnapshot!.pinnedPages >= 100);
  older.close();
  expect(db.stats().oldestSnapshot).toMatchObject({ sequence: 2 });
  newer.close();
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

it('a failure shows with code and cause', async () => {
  const gate = new SharedArrayBuffer(4);
  const rules = [{ operation: 'dataSync', pathIncludes: 'wal-', errno: 'EIO', gate } as const];
  const db = await openSmallWith({ vfsSpec: { kind: 'fault', rules: [...rules] } });
  await db.put('a', '1');
  expect(db.stats().failure).toBeUndefined();
  // The next sync of a log file is that of the put, not of a segment in preparation.
  await until(() => db.stats().log.segmentCount === 3);
  Atomics.store(new Int32Array(gate), 0, 1);
  await expectCode(db.put('b', '2'), 'ERR_MANIFOLD_INDETERMINATE');
  // The worker stores the text a moment after the failure itself.
  await until(() => db.stats().failure?.message !== '');
  expect(db.stats().failure).toMatchObject({
    code: 'ERR_MANIFOLD_POISONED',
    message: expect.stringContaining('EIO') as unknown,
  });
  await expectCode(db.put('c', '3'), 'ERR_MANIFOLD_POISONED');
  expect(db.get('a')).toBe('1');
  await expectCode(db.close(), 'ERR_MANIFOLD_POISONED');
});

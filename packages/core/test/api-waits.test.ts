/**
 * waitForSync and waitForApply: past, present and future sequences, and giving up.
 */
import { getEventListeners } from 'node:events';
import type { FaultRule, VfsSpec } from '@manifold-db/storage';
import { expect } from 'vitest';
import { MIB, databasePath, expectCode, openSmall, openSmallWith } from './support/api-database.js';
import { inModes } from './support/modes.js';

inModes('a wait for a future sequence resolves when that commit is there', async (mode) => {
  const db = await openSmall(databasePath(), { mode });
  const reached: string[] = [];
  const waits = [
    db.waitForSync(3).then(() => reached.push(`synced ${db.lastSynced >= 3}`)),
    db.waitForApply(3).then(() => reached.push(`applied ${db.lastApplied >= 3}`)),
    db.waitForSync(2).then(() => reached.push(`synced ${db.lastSynced >= 2}`)),
  ];
  await db.waitForSync(0);
  await db.waitForSync();
  expect(reached).toEqual([]);
  await db.put('a', '1');
  await db.put('b', '2');
  await waits[2];
  expect(reached).toEqual(['synced true']);
  await db.put('c', '3');
  await Promise.all(waits);
  expect(reached.sort()).toEqual(['applied true', 'synced true', 'synced true']);
  await db.waitForSync(3);
  await db.waitForApply();
});

inModes('a wrong sequence is refused, and nothing remembers it', async (mode) => {
  const db = await openSmall(databasePath(), { mode });
  await db.put('a', '1');
  for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 53, '1', null, 1n, Symbol('s')] as never[]) {
    expect(() => db.waitForSync(wrong)).toThrow(RangeError);
    expect(() => db.waitForApply(wrong)).toThrow(RangeError);
  }
  await db.put('b', '2');
  await db.waitForApply();
  await db.checkpoint();
  expect(db.lastApplied).toBe(2);
});

inModes('without a sequence it means everything committed at the time of the call', async () => {
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 30_000 } as const;
  const db = await openSmallWith({ vfsSpec });
  const { sequence } = await db.put('a', '1', { durability: 'none' });
  const wait = db.waitForSync();
  db.put('b', '2', { durability: 'none' });
  await wait;
  expect(db.lastSynced).toBeGreaterThanOrEqual(sequence);
});

inModes('without a sequence it covers writes that still wait for admission', async () => {
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 30_000 } as const;
  const db = await openSmallWith({ vfsSpec }, { pendingBytesMax: 64 * MIB });
  // More than the ring holds, and the page diffs that may be under way.
  const value = 'v'.repeat(50_000);
  const puts: Promise<unknown>[] = [];
  const callAll = (from: number): void => {
    for (let at = from; at < from + 100; at++) puts.push(db.put(String(at), value));
    expect(db.lastCommitted).toBeLessThan(from + 99);
  };
  callAll(0);
  await db.waitForSync();
  expect(db.lastSynced).toBe(100);
  callAll(100);
  await db.waitForApply();
  expect(db.lastApplied).toBe(200);
  callAll(200);
  await db.checkpoint();
  expect(db.lastApplied).toBe(300);
  callAll(300);
  const reason = new Error('enough');
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = [db.waitForSync(undefined, { signal }), db.waitForApply(undefined, { signal })];
  controller.abort(reason);
  for (const wait of aborted) await expect(wait).rejects.toBe(reason);
  expect(db.lastCommitted).toBeLessThan(400);
  await Promise.all(puts);
});

inModes('without a sequence it says when writes that wait for admission are refused', async () => {
  const gate = new SharedArrayBuffer(4);
  const rule: FaultRule = { operation: 'dataSync', pathIncludes: 'wal-', errno: 'EIO', gate };
  const vfsSpec: VfsSpec = { kind: 'fault', rules: [rule] };
  const db = await openSmallWith({ vfsSpec }, { pendingBytesMax: 64 * MIB });
  const put = (at: number) => db.put(String(at), 'v'.repeat(50_000)).catch(() => 'refused');
  await put(0);
  Atomics.store(new Int32Array(gate), 0, 1);
  const puts = Array.from({ length: 100 }, (_, at) => put(at));
  const codes = ['ERR_MANIFOLD_POISONED', 'ERR_MANIFOLD_INDETERMINATE'];
  const wait = db.waitForSync().catch((error: { code: string }) => error.code);
  const checkpoint = db.checkpoint().catch((error: { code: string }) => error.code);
  expect(codes).toContain(await wait);
  expect(codes).toContain(await checkpoint);
  expect(await Promise.all(puts)).toContain('refused');
});

inModes('a wait that fails lets go of its signal', async () => {
  const gate = new SharedArrayBuffer(4);
  const rule: FaultRule = { operation: 'dataSync', pathIncludes: 'wal-', errno: 'EIO', gate };
  const db = await openSmallWith({ vfsSpec: { kind: 'fault', rules: [rule] } });
  const { signal } = new AbortController();
  const wait = db.waitForSync(1, { signal }).catch((error: { code: string }) => error.code);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  Atomics.store(new Int32Array(gate), 0, 1);
  await expectCode(db.put('a', '1'), 'ERR_MANIFOLD_INDETERMINATE');
  expect(await wait).toMatch(/^ERR_MANIFOLD_/);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

inModes('a write that waits for itself does so behind its own end', async () => {
  const db = await openSmall();
  let wait: Promise<void> | undefined;
  await db.write(
    (tx) => {
      tx.put(db.defaultFamily, 'a', '1');
      wait = db.waitForSync();
    },
    { durability: 'none' },
  );
  await wait;
  expect(db.lastSynced).toBe(1);
});

inModes('a signal ends the wait with its reason; other waits go on', async () => {
  const db = await openSmall();
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error('enough');
  const aborted = [db.waitForSync(1, { signal }), db.waitForApply(1, { signal })];
  const kept = db.waitForSync(1);
  controller.abort(reason);
  for (const wait of aborted) await expect(wait).rejects.toBe(reason);
  await expect(db.waitForSync(1, { signal })).rejects.toBe(reason);
  await db.put('a', '1');
  await kept;
  await db.waitForSync(1, { signal: new AbortController().signal });
  const timeout = AbortSignal.timeout(5);
  await expect(db.waitForSync(100, { signal: timeout })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});

inModes('a wait for a distant sequence keeps nothing else from being applied', async () => {
  const db = await openSmall(databasePath(), { checkpointIntervalMs: 0 });
  const distant = db.waitForApply(1_000_000).catch((error: { code: string }) => error.code);
  const near = db.waitForApply(2);
  await db.put('a', '1');
  await db.put('b', '2');
  await near;
  await db.put('c', '3', { durability: 'none' });
  await db.checkpoint();
  await db.put('d', '4');
  await db.close();
  expect(await distant).toBe('ERR_MANIFOLD_CLOSED');
});

/**
 * Mode `buffered`: commits that are larger than a generation of the write buffer go to the trees as
 * page diffs, and reads stand on them before they are synced.
 */
import { ManifoldDatabase } from '@manifold-db/core/internal';
import { SYNCS_HELD, SYNCS_RUN } from '@manifold-db/storage';
import { expect, it, onTestFinished } from 'vitest';
import { MIB, openSmall, openSmallWith, until } from './support/api-database.js';

const OPTIONS = { mode: 'buffered', writeBufferBytes: MIB, checkpointIntervalMs: 0 } as const;
const LOG = { walRingBytes: 16 * MIB, walSegmentBytes: 20 * MIB, walBytesMax: 100 * MIB };
const BIG = 'v'.repeat(MIB);

/** A database whose fsync worker stops before each sync while it is told to. */
async function openHeld() {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 0, hold: word.buffer } as const;
  const db = await openSmallWith({ vfsSpec }, { ...OPTIONS, ...LOG, durability: 'none' });
  const run = (): void => {
    Atomics.store(word, 0, SYNCS_RUN);
    Atomics.notify(word, 0);
  };
  onTestFinished(run);
  await db.put('key', '0', { durability: 'immediate' });
  await db.waitForApply();
  return { db, run, hold: () => Atomics.store(word, 0, SYNCS_HELD) };
}

it('reads of the synced and the applied version do not show what is not durable', async () => {
  const { db, hold, run } = await openHeld();
  const family = db.columnFamily('default');
  const seen = () =>
    (['latest', 'synced', 'applied'] as const).map((consistency) => db.get('key', { consistency }));
  hold();
  for (const value of ['1', '2', '3']) {
    await db.write((tx) => {
      tx.put(family, 'key', value);
      tx.put(family, 'big', BIG);
    });
    expect(seen()).toEqual([value, '0', '0']);
  }
  run();
  await db.waitForApply();
  expect(seen()).toEqual(['3', '3', '3']);
});

it('the version before one is let go when it is published, without anybody asking', async () => {
  const db = await openSmall(undefined, OPTIONS);
  expect(db).toBeInstanceOf(ManifoldDatabase);
  const { pins } = db as ManifoldDatabase;
  const family = db.columnFamily('default');
  await db.put('key', 'before');
  await db.write((tx) => {
    tx.put(family, 'big', BIG);
    tx.put(family, 'another', BIG);
  });
  await until(() => pins.oldest()!.sequence === db.lastCommitted);
});

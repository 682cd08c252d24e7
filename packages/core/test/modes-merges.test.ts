/**
 * When sealed generations of the write buffer reach the trees: during a burst not before half of
 * them are in use, afterwards without anybody asking for it, and at once when somebody waits.
 */
import type { Database } from '@manifold-db/core';
import { MERGE_WHOLE, PROGRESS_MERGE_LEFT, SimulatedDisk } from '@manifold-db/storage';
import { expect, it } from 'vitest';
import { MIB, SMALL, databasePath, openSmall, until } from './support/api-database.js';
import { openSimulation } from './support/simulator.js';

const OPTIONS = { ...SMALL, mode: 'buffered', checkpointIntervalMs: 0 } as const;
const VALUE = 'v'.repeat(1000);

/** Without giving the event loop a turn that is long enough to look like the end of a burst. */
function putMany(db: Database, from: number, count: number): Promise<unknown>[] {
  return Array.from({ length: count }, (_, i) => db.put(`key ${from + i}`, VALUE));
}

/** Writes until so many generations were sealed. */
async function sealGenerations(db: Database, count: number): Promise<number> {
  let written = 0;
  while (db.stats().writeBuffer!.sealed < count) {
    await Promise.all(putMany(db, written, 10));
    written += 10;
  }
  return written;
}

it('what is sealed is merged once the burst is over', async () => {
  const db = await openSmall(databasePath(), OPTIONS);
  const written = await sealGenerations(db, 1);
  await until(() => db.stats().writeBuffer!.merged === 1);
  await until(() => db.stats().writeBuffer!.sealedCount === 0);
  expect(db.count()).toBe(written);
});

it('a burst of any length is taken in and merged', async () => {
  const db = await openSmall(databasePath(), OPTIONS);
  const written = await sealGenerations(db, 12);
  expect(db.stats().writeBuffer!.merged).toBeGreaterThan(12 - 4);
  await until(() => db.stats().writeBuffer!.sealedCount === 0);
  expect(db.count()).toBe(written);
});

it('who waits for a commit in a sealed generation waits for no burst to end', async () => {
  const db = await openSmall(databasePath(), { ...OPTIONS, writeBufferCount: 8 });
  await sealGenerations(db, 1);
  const burst = new AbortController();
  const applied = db.waitForApply(1).then(() => burst.abort());
  for (let from = 1_000_000; !burst.signal.aborted; from++) await db.put(`key ${from}`, VALUE);
  await applied;
  expect(db.stats().writeBuffer!.merged).toBeGreaterThan(0);
});

it('the last half of the last free generation is given out as the merge goes on', async () => {
  const options = { mode: 'buffered', writeBufferCount: 2, walRingBytes: 4 * MIB } as const;
  const sizes = { walSegmentBytes: 8 * MIB, walBytesMax: 32 * MIB };
  const { database, host } = await openSimulation(new SimulatedDisk(), 1, { ...options, ...sizes });
  const { progress } = host.shared!;
  await host.run(database.put('the log is ready', ''));
  // From here on the other threads stand still: only what is stored here moves.
  Atomics.store(progress, PROGRESS_MERGE_LEFT, MERGE_WHOLE);
  const puts = putMany(database, 0, 2000);
  const fillAt = (share: number): number => {
    Atomics.store(progress, PROGRESS_MERGE_LEFT, MERGE_WHOLE * share);
    host.pollMain();
    return database.stats().writeBuffer!.fillBytes / MIB;
  };
  // The first generation is not full to its last byte.
  const before = fillAt(1);
  expect(before).toBeLessThanOrEqual(1.5);
  expect(before).toBeGreaterThan(1.25);
  expect(fillAt(1 / 2) - before).toBeCloseTo(1 / 4, 1);
  expect(fillAt(1 / 4) - before).toBeCloseTo(3 / 8, 1);
  const whole = fillAt(0);
  expect(whole - before).toBeGreaterThan(3 / 8);
  expect(whole).toBeLessThanOrEqual(2);
  await host.run(Promise.all(puts));
  expect(database.count()).toBe(2001);
  await host.run(database.close());
});

/**
 * Limits: waiting operations, transactions that are too large, and calls that block until there is
 * room. Nothing fails, nothing is lost, the database stays usable.
 */
import { expect, it } from 'vitest';
import { MIB, databasePath, expectCode, openSmall, openSmallWith } from './support/api-database.js';
import { inModes } from './support/modes.js';

inModes('pendingBytesMax blocks the caller, and goes on', async (mode) => {
  // A write buffer takes commits in until the ring is full: one sync has to last longer than that.
  const addedSyncLatencyUs = mode === 'buffered' ? 100_000 : 1000;
  const options = { mode, pendingBytesMax: 64 * 1024, pendingCommitsMax: 4, writeBufferCount: 2 };
  const db = await openSmallWith({ vfsSpec: { kind: 'slow', addedSyncLatencyUs } }, options);
  const value = 'x'.repeat(10_000);
  const commits = [];
  for (let at = 0; at < 300; at++) {
    commits.push(db.put(`k${at}`, value, { durability: 'async' }));
    const { pendingCommits } = db.stats();
    expect(pendingCommits.waitingBytes).toBeLessThanOrEqual(pendingCommits.waitingBytesMax);
  }
  const { stalls } = db.stats();
  expect(stalls.blockedCalls).toBeGreaterThan(0);
  expect(stalls.blockedMs).toBeGreaterThan(0);
  expect(Object.values(stalls.waits).reduce((a, b) => a + b)).toBeGreaterThan(0);
  const sequences = (await Promise.all(commits)).map(({ sequence }) => sequence);
  expect(sequences).toEqual(commits.map((_, at) => at + 1));
  expect(db.count()).toBe(300);
  expect(db.stats().stalls.brake).toBeUndefined();
  expect(db.stats().pendingCommits).toMatchObject({ waitingCount: 0, waitingBytes: 0 });
});

inModes('a call that blocked is carried out, though nothing is under way any more', async () => {
  const options = { pendingBytesMax: 64 * 1024, pendingCommitsMax: 1, checkpointIntervalMs: 0 };
  const db = await openSmall(databasePath(), options);
  const value = 'x'.repeat(60_000);
  // Several times: the workers' other business may ring at the right moment.
  for (let round = 0; round < 20; round++) {
    const first = db.put('a', String(round));
    // Waits for the first one and then commits nothing.
    const refused = expectCode(db.put('b', value, { ifValue: '?' }), 'ERR_MANIFOLD_CONFLICT');
    const blocked = db.put('c', value);
    await Promise.all([first, refused, blocked]);
  }
  expect([...db.keys()]).toEqual(['a', 'c']);
});

it('an operation larger than pendingBytesMax gets through on its own', async () => {
  const db = await openSmall(databasePath(), { mode: 'sequential', pendingBytesMax: 64 * 1024 });
  const large = 'x'.repeat(MIB);
  const commits = Array.from({ length: 10 }, (_, at) => db.put(`k${at}`, large));
  await Promise.all(commits);
  expect(db.count()).toBe(10);
});

inModes('a transaction over half of walBytesMax is a RangeError and leaves no trace', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const family = db.columnFamily('family');
  const tooMuch = /half of walBytesMax, 6291456 bytes/;
  const value = 'x'.repeat(MIB);
  const write = db.write((tx) => {
    for (let at = 0; at < 7; at++) tx.put(family, `k${at}`, value);
  });
  await expect(write).rejects.toThrow(RangeError);
  await expect(write).rejects.toThrow(tooMuch);
  expect(() => db.put('k', 'x'.repeat(7 * MIB))).toThrow(tooMuch);
  const batch = db.batch();
  for (let at = 0; at < 7; at++) batch.put(family, `k${at}`, value);
  await expect(batch.write()).rejects.toThrow(tooMuch);
  const transaction = db.transaction(async (tx) => {
    for (let at = 0; at < 7; at++) tx.put(family, `k${at}`, value);
  });
  await expect(transaction).rejects.toThrow(tooMuch);
  expect(db.columnFamilies()).toEqual(['default']);
  expect(db.lastCommitted).toBe(0);

  // Caught inside, the transaction goes on with what it had.
  const { value: caught } = await db.write((tx) => {
    for (let at = 0; at < 5; at++) tx.put(family, `k${at}`, value);
    try {
      tx.put(family, 'over', 'x'.repeat(2 * MIB));
    } catch (error) {
      return error;
    }
    return undefined;
  });
  expect(caught).toBeInstanceOf(RangeError);
  expect([...family.keys()]).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
  await db.close();
  expect((await openSmall(path)).columnFamily('family').count()).toBe(5);
});

inModes('a log that is full waits for a checkpoint by itself', async () => {
  const db = await openSmall(databasePath(), { checkpointIntervalMs: 0 });
  const value = 'x'.repeat(100_000);
  const commits = [];
  // Several times walBytesMax.
  for (let at = 0; at < 500; at++)
    commits.push(db.put(`k${at % 50}`, value, { durability: 'async' }));
  await Promise.all(commits);
  const { log, checkpoints } = db.stats();
  expect(log.bytes).toBeLessThanOrEqual(log.bytesMax);
  expect(log.segmentsRecycled).toBeGreaterThan(0);
  expect(checkpoints.count).toBeGreaterThan(0);
  expect(db.count()).toBe(50);
});

inModes('a transaction that needs memory lets the commit before it be checkpointed', async () => {
  const db = await openSmall(databasePath(), { cacheBytes: MIB, checkpointIntervalMs: 0 });
  const text = (kib: number): string => 'x'.repeat(kib * 1024);
  for (let round = 0; round < 8; round++) {
    for (let at = 0; at < 11; at++) await db.put(`small ${round} ${at}`, text(60));
    let commit: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      commit = db.put(`large ${round}`, text(200), { durability: 'async' });
      // Time for the apply worker to take it in, while this thread publishes nothing.
      const start = performance.now();
      while (performance.now() - start < 30);
      tx.put(db.defaultFamily, `own ${round}`, text(140));
    });
    await commit;
    await db.checkpoint();
  }
  expect(db.count()).toBe(8 * 13);
});

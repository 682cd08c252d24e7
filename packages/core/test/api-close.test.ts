/**
 * Closing: completes what was called before, refuses what is called after, on every object.
 */
import type { Transaction, WriteTransaction } from '@manifold-db/core';
import { expect, it } from 'vitest';
import {
  databasePath,
  expectCode,
  expectThrownCode,
  openSmall,
  openSmallWith,
} from './support/api-database.js';
import { inModes } from './support/modes.js';

const SLOW = { kind: 'slow', addedSyncLatencyUs: 20_000 } as const;

inModes('close completes the commits that are pending', async (mode) => {
  const path = databasePath();
  const db = await openSmallWith({ vfsSpec: SLOW }, { mode, pendingCommitsMax: 2 }, path);
  const commits = Array.from({ length: 20 }, (_, at) => db.put(`k${at}`, `v${at}`));
  const closed = db.close();
  const sequences = (await Promise.all(commits)).map(({ sequence }) => sequence);
  expect(sequences).toEqual(commits.map((_, at) => at + 1));
  await closed;
  const again = await openSmall(path, { mode });
  expect(again.count()).toBe(20);
  expect(again.stats().recovery).toMatchObject({ clean: true, commitsReplayed: 0, bytesCut: 0 });
});

it('writes called after close() are refused, though earlier ones are still under way', async () => {
  const path = databasePath();
  const options = { mode: 'sequential' } as const;
  const db = await openSmallWith({ vfsSpec: SLOW }, options, path);
  const before = [db.put('a', '1'), db.put('b', '2'), db.put('c', '3')];
  const closed = db.close();
  const after = db.put('d', '4');
  await expectCode(after, 'ERR_MANIFOLD_CLOSED');
  await expectCode(
    db.write((tx) => tx.put(db.defaultFamily, 'e', '5')),
    'ERR_MANIFOLD_CLOSED',
  );
  await Promise.all(before);
  await closed;
  expect([...(await openSmall(path)).keys()]).toEqual(['a', 'b', 'c']);
});

inModes('close is idempotent and gives the same result each time', async () => {
  const db = await openSmall();
  await db.put('a', '1');
  await Promise.all([db.close(), db.close()]);
  await db.close();
  await db[Symbol.asyncDispose]();
});

inModes('a wait for a commit that never comes is rejected by close', async () => {
  const db = await openSmall();
  const forSync = db.waitForSync(100);
  const forApply = db.waitForApply(100);
  const closed = db.close();
  await expectCode(forSync, 'ERR_MANIFOLD_CLOSED');
  await expectCode(forApply, 'ERR_MANIFOLD_CLOSED');
  await closed;
});

inModes('every use of a closed database is ERR_MANIFOLD_CLOSED', async () => {
  const db = await openSmall();
  const family = db.columnFamily<string, string>('family');
  await family.put('a', '1');
  await family.put('b', '2');
  const snapshot = db.snapshot();
  const batch = db.batch().put(family, 'c', '3');
  const walk = family.entries();
  walk.next();
  const asynchronous = family.entries()[Symbol.asyncIterator]();
  await asynchronous.next();
  let kept: WriteTransaction | undefined;
  await db.write((tx) => {
    kept = tx;
  });
  await db.close();

  for (const target of [db, family]) {
    expectThrownCode(() => target.get('a'), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.get('a', { snapshot }), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.has('a'), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.getMany(['a']), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.count(), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.entries(), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.keys(), 'ERR_MANIFOLD_CLOSED');
    expectThrownCode(() => target.values(), 'ERR_MANIFOLD_CLOSED');
    await expectCode(target.getAsync('a'), 'ERR_MANIFOLD_CLOSED');
    await expectCode(target.put('a', '1'), 'ERR_MANIFOLD_CLOSED');
    await expectCode(target.put('a', '1', { ifAbsent: true }), 'ERR_MANIFOLD_CLOSED');
    await expectCode(target.delete('a'), 'ERR_MANIFOLD_CLOSED');
    await expectCode(target.clear(), 'ERR_MANIFOLD_CLOSED');
  }
  expectThrownCode(() => db.columnFamily('other'), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => db.columnFamilies(), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => db.snapshot(), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => db.stats(), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => db.writeSync(() => {}), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.dropColumnFamily('family'), 'ERR_MANIFOLD_CLOSED');
  await expectCode(
    db.write(() => {}),
    'ERR_MANIFOLD_CLOSED',
  );
  await expectCode(
    db.transaction(async () => {}),
    'ERR_MANIFOLD_CLOSED',
  );
  await expectCode(batch.write(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.waitForSync(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.waitForApply(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.checkpoint(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.verify(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(db.backup(databasePath()), 'ERR_MANIFOLD_CLOSED');

  expectThrownCode(() => walk.next(), 'ERR_MANIFOLD_CLOSED');
  await expectCode(asynchronous.next(), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => kept!.get(family, 'a'), 'ERR_MANIFOLD_CLOSED');
  // Giving things up is always allowed.
  walk.close();
  snapshot.close();
  expect(snapshot.closed).toBe(true);
});

inModes(
  'an optimistic transaction that is open while the database closes cannot commit',
  async () => {
    const path = databasePath();
    const db = await openSmall(path);
    await db.put('a', '1');
    let close = (): void => {};
    const isClosed = new Promise<void>((resolve) => (close = resolve));
    let read: unknown;
    const transaction = db.transaction(async (tx: Transaction) => {
      tx.put(db.defaultFamily, 'a', '2');
      await isClosed;
      try {
        tx.get(db.defaultFamily, 'a');
      } catch (error) {
        read = error;
      }
    });
    await db.close();
    close();
    await expectCode(transaction, 'ERR_MANIFOLD_CLOSED');
    expect(read).toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
    expect((await openSmall(path)).get('a')).toBe('1');
  },
);

inModes('a write whose callback closes the database is completed by close', async () => {
  for (const durability of ['immediate', 'none'] as const) {
    const path = databasePath();
    const db = await openSmall(path, { durability });
    const family = db.columnFamily('family');
    let closed: Promise<void> | undefined;
    const written = db.write((tx) => {
      closed = db.close();
      // More than the ring takes at once.
      for (let at = 0; at < 30; at++) tx.put(family, `k${at}`, 'x'.repeat(100_000));
      return 'value';
    });
    const late = db.put('late', '1');
    await expectCode(late, 'ERR_MANIFOLD_CLOSED');
    await closed;
    expect(await written).toEqual({ sequence: 1, value: 'value' });
    const again = await openSmall(path);
    expect(again.columnFamily('family').count()).toBe(30);
    await again.close();
  }
});

inModes(
  'a write that closes the database and fails, or changes nothing, lets it close',
  async () => {
    for (const call of [() => {}, () => expect.fail('on purpose')]) {
      const db = await openSmall();
      let closed: Promise<void> | undefined;
      const written = db.write(() => {
        closed = db.close();
        // The pipeline is looked at while the callback runs.
        db.waitForSync(0).catch(() => {});
        call();
      });
      await Promise.allSettled([written]);
      await closed;
      expectThrownCode(() => db.get('a'), 'ERR_MANIFOLD_CLOSED');
    }
  },
);

inModes('a transaction writes nothing more once the database closes', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const { defaultFamily: family } = db;
  await db.put('a', '1');
  let closed: Promise<void> | undefined;
  const transaction = db.transaction(async (tx) => {
    const savepoint = tx.savepoint();
    tx.put(family, 'b', '2');
    closed = db.close();
    const calls = [
      () => tx.put(family, 'c', '3'),
      () => tx.put(family, 'c', '3', { ifAbsent: true }),
      () => tx.delete(family, 'a'),
      () => tx.clear(family),
      () => tx.savepoint(),
      () => tx.rollbackTo(savepoint),
    ];
    for (const call of calls) expectThrownCode(call, 'ERR_MANIFOLD_CLOSED');
    await closed;
    for (const call of calls) expectThrownCode(call, 'ERR_MANIFOLD_CLOSED');
    for (const call of [() => tx.get(family, 'b'), () => tx.count(family)]) {
      expectThrownCode(call, 'ERR_MANIFOLD_CLOSED');
    }
  });
  await expectCode(transaction, 'ERR_MANIFOLD_CLOSED');
  await closed;
  expect([...(await openSmall(path)).entries()]).toEqual([['a', '1']]);
});

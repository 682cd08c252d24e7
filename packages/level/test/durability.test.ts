/**
 * What a resolved write means: by default that it was written, with `sync: true` that it was
 * synced. And what a program sees when the disk fails under it.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { ManifoldLevel } from '../src/level.js';
import { SMALL, causeOf, freshPath, rejectionOf } from './support/databases.js';
import { engine } from './support/mocked-core.js';

vi.mock('@manifold-db/core', async (importOriginal: () => Promise<object>) => {
  const { mockedCore } = await import('./support/mocked-core.js');
  return mockedCore(importOriginal);
});

/** A word of shared memory that another thread looks at. */
function sharedWord() {
  const buffer = new SharedArrayBuffer(4);
  const word = new Int32Array(buffer);
  return {
    buffer,
    set(value: number): void {
      Atomics.store(word, 0, value);
      Atomics.notify(word, 0);
    },
  };
}

const HELD = 1;
const RUN = 0;
const TURNS = 20;

type Write = (db: ManifoldLevel, sync: { sync?: boolean }) => Promise<void>;

const WRITES: [string, Write][] = [
  ['put', (db, sync) => db.put('k', 'v', sync)],
  ['del', (db, sync) => db.del('there', sync)],
  ['batch', (db, sync) => db.batch([{ type: 'put', key: 'k', value: 'v' }], sync)],
  ['chained batch', (db, sync) => db.batch().put('k', 'v').write(sync)],
  ['put of a sublevel', (db, sync) => db.sublevel('s').put('k', 'v', sync as object)],
];

it.each(WRITES)('%s waits for the sync if asked to, else for the write', async (_name, write) => {
  const hold = sharedWord();
  engine.environment = { vfsSpec: { kind: 'slow', addedSyncLatencyUs: 0, hold: hold.buffer } };
  const db = new ManifoldLevel(freshPath(), SMALL);
  await db.open();
  const database = engine.database!;
  try {
    await db.put('there', 'v', { sync: true });

    hold.set(HELD);
    const written = database.stats().log.recordsWritten;
    let isDone = false;
    const durable = write(db, { sync: true }).then(() => (isDone = true));
    await vi.waitUntil(() => database.stats().log.recordsWritten > written, { timeout: 50_000 });
    for (let i = 0; i < TURNS; i++) await turn();
    expect(isDone).toBe(false);
    hold.set(RUN);
    await durable;
    expect(database.lastSynced).toBe(database.lastCommitted);

    for (const sync of [{}, { sync: false }]) {
      await database.waitForSync();
      hold.set(HELD);
      await db.put('another', 'v', sync);
      hold.set(RUN);
    }
  } finally {
    hold.set(RUN);
    await db.close();
  }
});

it('the default can be changed for the whole database', async () => {
  engine.environment = {};
  const db = new ManifoldLevel(freshPath(), { ...SMALL, durability: 'immediate' });
  await db.open();
  expect(engine.database!.stats().options.durability).toBe('immediate');
  await db.close();
  await db.open({ durability: 'none' });
  expect(engine.database!.stats().options.durability).toBe('none');
  await db.close();
});

it('a failed sync is told, once more by close, and the database can be opened again', async () => {
  const gate = sharedWord();
  engine.environment = {
    vfsSpec: {
      kind: 'fault',
      rules: [{ operation: 'dataSync', pathIncludes: 'wal-', errno: 'EIO', gate: gate.buffer }],
    },
  };
  const path = freshPath();
  const db = new ManifoldLevel(path, SMALL);
  await db.put('kept', 'v', { sync: true });

  gate.set(1);
  const refused = await rejectionOf(db.put('lost', 'v', { sync: true }));
  expect(refused).toMatchObject({ code: 'LEVEL_IO_ERROR' });
  expect(refused.cause).toMatchObject({ code: 'ERR_MANIFOLD_INDETERMINATE' });
  expect(await rejectionOf(db.put('next', 'v'))).toMatchObject({ code: 'LEVEL_IO_ERROR' });
  expect(await rejectionOf(db.batch().put('next', 'v').write())).toMatchObject({
    code: 'LEVEL_IO_ERROR',
  });
  expect(await db.get('kept')).toBe('v');

  expect(await causeOf(db.close())).toMatchObject({ code: 'LEVEL_IO_ERROR' });
  expect(await rejectionOf(db.get('kept'))).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
  await db.close();
  expect(db.status).toBe('closed');

  gate.set(0);
  await db.open();
  expect(await db.get('kept')).toBe('v');
  await db.close();
});

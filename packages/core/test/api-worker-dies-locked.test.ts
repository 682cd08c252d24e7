/**
 * A worker that ends while it holds the pages lock: the lock stays held for ever. The main thread
 * waited half a minute for it, then threw an InvariantError out of whatever it was doing, out of
 * its event loop even, which ended the process. It has to find out, and to go on as after any other
 * death of a worker: writes are refused, reads go on, of pages that are not in memory too, the
 * database closes and opens again.
 */
import { once } from 'node:events';
import type { Database, OpenOptions } from '@manifold-db/core';
import { FRAMES_COUNT, MUTEX_FREE, PAGES_CONTROL_BYTES, PAGES_LOCK } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { MIB, databasePath, expectCode, openSmall, openSmallWith } from './support/api-database.js';
import { startedWorkers } from './support/started-workers.js';

const APPLY = 1;
const HELD = 1;
/** Twice the cache. */
const ENTRIES = 4000;
const VALUE = 'v'.repeat(1000);

const workers = startedWorkers();

function key(at: number): string {
  return String(at).padStart(6, '0');
}

async function openFilled(
  path: string,
  mode: OpenOptions['mode'],
): Promise<{ db: Database; control: Int32Array }> {
  const first = await openSmall(path);
  for (let from = 0; from < ENTRIES; from += 100) {
    const batch = first.batch();
    for (let at = from; at < from + 100; at++) batch.put(first.defaultFamily, key(at), VALUE);
    await batch.write();
  }
  await first.close();
  workers.splice(0);
  const allocated: SharedArrayBuffer[] = [];
  const allocate = (bytes: number): SharedArrayBuffer => {
    const memory = new SharedArrayBuffer(bytes);
    allocated.push(memory);
    return memory;
  };
  const db = await openSmallWith({ allocate }, { cacheBytes: 2 * MIB, mode }, path);
  const controls = allocated
    .filter(({ byteLength }) => byteLength === PAGES_CONTROL_BYTES)
    .map((memory) => new Int32Array(memory))
    .filter((words) => words[FRAMES_COUNT] !== 0);
  expect(controls).toHaveLength(1);
  return { db, control: controls[0]! };
}

/** The apply worker ends, and what it held stays held. */
async function dieWithLock(control: Int32Array): Promise<void> {
  while (Atomics.compareExchange(control, PAGES_LOCK, MUTEX_FREE, HELD) !== MUTEX_FREE);
  const worker = workers[APPLY]!;
  const exit = once(worker, 'exit');
  await worker.terminate();
  await exit;
}

describe('a worker that dies with the pages lock', () => {
  const refuses = 'refuses writes, serves reads of all pages, closes and opens again';
  it.each(['buffered', 'pipelined'] as const)(`${refuses} (%s)`, async (mode) => {
    const path = databasePath();
    const { db, control } = await openFilled(path, mode);
    const written = db.put('acknowledged', 'yes');
    await written;
    await dieWithLock(control);
    await expectCode(db.put('later', 'no'), 'ERR_MANIFOLD_POISONED');
    for (let at = 0; at < ENTRIES; at += 7) {
      if (db.get(key(at)) !== VALUE) expect.unreachable(key(at));
    }
    expect(db.get('acknowledged')).toBe('yes');
    const cold = [1, 1501, 3001].map((at) => db.getAsync(key(at)));
    expect(await Promise.all(cold)).toEqual([VALUE, VALUE, VALUE]);
    expect(db.count()).toBe(ENTRIES + 1);
    await expectCode(db.close(), 'ERR_MANIFOLD_POISONED');
    const again = await openSmall(path);
    expect(again.count()).toBe(ENTRIES + 1);
    expect(again.get('later')).toBeUndefined();
  });

  it('rolls back what the main thread was building', async () => {
    const path = databasePath();
    const { db, control } = await openFilled(path, 'pipelined');
    const family = db.defaultFamily;
    let goOn!: () => void;
    const isBuilt = new Promise<void>((resolve) => {
      void db
        .transaction(async (tx) => {
          for (let at = 0; at < 200; at++) tx.put(family, key(at * 7), 'changed');
          resolve();
          await new Promise<void>((continued) => (goOn = continued));
        })
        .then(
          () => ended.push('done'),
          (error: { code?: string }) => ended.push(error.code ?? String(error)),
        );
    });
    const ended: string[] = [];
    await isBuilt;
    await dieWithLock(control);
    goOn();
    await expectCode(db.put('later', 'no'), 'ERR_MANIFOLD_POISONED');
    await expectCode(db.close(), 'ERR_MANIFOLD_POISONED');
    expect(ended).toEqual(['ERR_MANIFOLD_POISONED']);
    const again = await openSmall(path);
    expect(again.get(key(7))).toBe(VALUE);
  });

  it('is found out by a thread that is blocked', async () => {
    const path = databasePath();
    const { db, control } = await openFilled(path, 'pipelined');
    while (Atomics.compareExchange(control, PAGES_LOCK, MUTEX_FREE, HELD) !== MUTEX_FREE);
    const worker = workers[APPLY]!;
    const exit = once(worker, 'exit');
    void worker.terminate();
    // The event that tells of the worker's end waits for this thread, which waits for the lock.
    let code: string | undefined;
    try {
      db.writeSync((tx) => {
        for (let at = 0; at < ENTRIES; at++) tx.put(db.defaultFamily, key(at), 'changed');
      });
    } catch (error) {
      code = (error as { code?: string }).code;
    }
    expect(code).toBe('ERR_MANIFOLD_POISONED');
    await exit;
    expect(db.get(key(ENTRIES - 1))).toBe(VALUE);
    await expectCode(db.close(), 'ERR_MANIFOLD_POISONED');
  });
});

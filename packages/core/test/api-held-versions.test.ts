/**
 * The limit of versions that snapshots and iterators hold at once: one more is refused, and nothing
 * else takes notice. Without the limit, mode `buffered` took any number and failed much later, when
 * a generation was sealed with more stops than its entry has room for.
 */
import type { Database } from '@manifold-db/core';
import { expect } from 'vitest';
import { expectCode, expectThrownCode, openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

const HELD_MAX = 4096;
const KEPT = 200;

/** Takes every place, with snapshots and iterators in turn. */
async function holdAll(db: Database): Promise<{ close(): void }[]> {
  const held: { close(): void }[] = [];
  for (let at = 0; at < HELD_MAX; at++) {
    db.writeSync((tx) => tx.put(db.defaultFamily, 'k', `${at}`), { durability: 'none' });
    held.push(at % 2 === 0 ? db.snapshot() : db.keys());
  }
  await db.put('k', 'newest');
  return held;
}

async function expectReads(db: Database): Promise<void> {
  expect(db.get('k')).toBe('newest');
  expect(db.has('k')).toBe(true);
  expect(db.count()).toBe(1);
  expect(db.getMany(['k', 'l'])).toEqual(['newest', undefined]);
  expect(await db.getAsync('k')).toBe('newest');
  expect(db.get('k', { consistency: 'synced' })).toBe('newest');
  expect(db.count({ consistency: 'applied' })).toBeLessThanOrEqual(1);
}

inBuildModes('one version too many is refused, and nothing else suffers', async () => {
  const db = await openSmall();
  const held = await holdAll(db);
  expectThrownCode(() => db.snapshot(), 'ERR_MANIFOLD_LIMIT');
  expectThrownCode(() => db.keys(), 'ERR_MANIFOLD_LIMIT');
  await expectCode(
    db.transaction(async (tx) => tx.put(db.defaultFamily, 'k', 'never')),
    'ERR_MANIFOLD_LIMIT',
  );
  await expectReads(db);
  // A checkpoint publishes a root set for each held version in the buffer, which takes its time.
  for (const reader of held.splice(KEPT)) reader.close();
  await db.checkpoint();
  await expectReads(db);
  expect(await db.verify()).toMatchObject({ ok: true });
  const snapshot = db.snapshot();
  // A version that is held already may be held once more.
  expect([...db.entries({ snapshot })]).toEqual([['k', 'newest']]);
  expect([...db.entries()]).toEqual([['k', 'newest']]);
  await db.put('l', '1');
  expect(db.count()).toBe(2);
  expect(db.count({ snapshot })).toBe(1);
  await db.close();
});

inBuildModes('an iterator whose limit is used up has let its version go', async () => {
  const db = await openSmall();
  await db.batch().put(db.defaultFamily, 'a', '1').put(db.defaultFamily, 'b', '2').write();
  const walk = db.entries({ limit: 2 });
  expect(walk.next().value).toEqual(['a', '1']);
  expect(db.stats().oldestSnapshot).toBeDefined();
  expect(walk.next().value).toEqual(['b', '2']);
  expect(db.stats().oldestSnapshot).toBeUndefined();
  await db.clear();
  expect(walk.seek('a').next()).toEqual({ value: undefined, done: true });
  expect(db.keys({ limit: 0 }).next().done).toBe(true);
  walk.close();
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

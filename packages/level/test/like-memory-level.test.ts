/**
 * Random programs give the same answers as on memory-level, the in-memory database by the makers of
 * `level`: reads, ranges in both directions, seeks, clears, batches, snapshots; with keys that are
 * empty, begin with a NUL or are no text. fast-check prints the seed of a difference.
 */
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import type { AbstractLevel } from 'abstract-level';
import { expect, it } from 'vitest';
import { MODES, freshPath, level } from './support/databases.js';

type Db = AbstractLevel<string | Buffer | Uint8Array, Buffer, string>;

const PROGRAMS = 200;
const STEPS_MAX = 40;
const BUFFERS = { keyEncoding: 'buffer' } as const;

/** Few different bytes, so that keys meet. */
const key = fc
  .array(fc.constantFrom(0, 1, 0x61, 0x62, 0xff), { maxLength: 3 })
  .map((bytes) => Buffer.from(bytes));

const range = fc
  .record(
    {
      gt: key,
      gte: key,
      lt: key,
      lte: key,
      reverse: fc.boolean(),
      limit: fc.integer({ min: 0, max: 4 }),
    },
    { requiredKeys: [] },
  )
  .map(({ gt, gte, lt, lte, ...rest }) => ({
    ...(gte === undefined ? gt !== undefined && { gt } : { gte }),
    ...(lte === undefined ? lt !== undefined && { lt } : { lte }),
    ...rest,
  }));

const operation = fc.record({ type: fc.constantFrom('put', 'del'), key, value: fc.string() });

/** A step does something to a database, and says what came out. */
type Step = (db: Db) => Promise<unknown>;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, fc.string()).map(
    ([k, v]) =>
      (db: Db) =>
        db.put(k, v),
  ),
  fc.array(operation, { maxLength: 6 }).map((operations) => (db: Db) => {
    return db.batch(operations as { type: 'put'; key: Buffer; value: string }[]);
  }),
  key.map((k) => (db: Db) => db.del(k)),
  key.map((k) => async (db: Db) => [await db.get(k), db.getSync(k), await db.has(k)]),
  fc.array(key).map((keys) => (db: Db) => db.getMany(keys)),
  range.map((r) => (db: Db) => db.clear(r)),
  range.map((r) => (db: Db) => db.iterator(r).all()),
  range.map((r) => (db: Db) => db.keys(r).all()),
  range.map((r) => (db: Db) => db.values(r).all()),
  fc.tuple(range, key, fc.integer({ min: 1, max: 3 })).map(([r, target, size]) => (db: Db) => {
    return afterSeek(db, r, target, size);
  }),
  fc.tuple(key, range).map(
    ([k, r]) =>
      (db: Db) =>
        beside(db, k, r),
  ),
);

async function afterSeek(db: Db, r: object, target: Buffer, size: number): Promise<unknown> {
  const iterator = db.iterator(r);
  const before = await iterator.nextv(size);
  iterator.seek(target);
  const after = await iterator.nextv(size);
  iterator.seek(target);
  const again = await iterator.all();
  return [before, after, again];
}

/** A snapshot beside which something is written, read, and cleared by it. */
async function beside(db: Db, k: Buffer, r: object): Promise<unknown> {
  const snapshot = db.snapshot();
  await db.put(k, 'later');
  const seen = await db.iterator({ ...r, snapshot }).all();
  const value = await db.get(k, { snapshot });
  await db.clear({ ...r, snapshot });
  await snapshot.close();
  return [seen, value, await db.iterator().all()];
}

/** The suite of abstract-level has a test of this whose assertions are never called. */
it.each(MODES)('a seek outside of the range ends the walk, mode %s', async (mode) => {
  const ours = level<Buffer, string>(freshPath(), { ...BUFFERS, mode }) as unknown as Db;
  const theirs = new MemoryLevel<Buffer, string>(BUFFERS) as unknown as Db;
  const bounds = [{ gt: '5' }, { gte: '5' }, { lt: '5' }, { lte: '5' }, { gte: '5', lt: '6' }];
  for (const db of [ours, theirs]) {
    await db.open();
    for (const k of ['', '4', '5', '6']) await db.put(Buffer.from(k), k);
  }
  for (const bound of bounds) {
    const inBytes = Object.entries(bound).map(([name, k]) => [name, Buffer.from(k)]);
    for (const target of ['', '4', '5', '6', '7'.repeat(2000)]) {
      for (const reverse of [false, true]) {
        const r = { ...Object.fromEntries(inBytes), reverse } as object;
        const [found, expected] = [ours, theirs].map((db) =>
          afterSeek(db, r, Buffer.from(target), 1),
        );
        expect(await found, JSON.stringify({ bound, target, reverse })).toEqual(await expected);
      }
    }
  }
});

it.each(MODES)('random programs agree, mode %s', async (mode) => {
  const ours = level<Buffer, string>(freshPath(), { ...BUFFERS, mode }) as unknown as Db;
  await ours.open();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
      const theirs = new MemoryLevel<Buffer, string>(BUFFERS) as unknown as Db;
      await theirs.open();
      await ours.clear();
      for (const run of steps) expect(await run(ours)).toEqual(await run(theirs));
      expect(await ours.iterator().all()).toEqual(await theirs.iterator().all());
      await theirs.close();
    }),
    { numRuns: PROGRAMS },
  );
});

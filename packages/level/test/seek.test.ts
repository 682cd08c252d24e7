/**
 * The story: `seek` of the engine clamps, a target outside the range means the nearest end of it.
 * In abstract-level an iterator that seeks out of its range has reached its natural end, on
 * whichever side the target lies. The adapter handed targets on as they were, so a walk over
 * `gt: 'b'` that was to seek 'a' began anew.
 *
 * Here every range over a few keys meets every target, and memory-level says what is to come.
 */
import { MemoryLevel } from 'memory-level';
import type { AbstractLevel } from 'abstract-level';
import { expect, it } from 'vitest';
import { level } from './support/databases.js';

type Db = AbstractLevel<string | Buffer | Uint8Array>;
type Range = Record<string, string | boolean | number>;

const STORED = ['', 'b', 'd', '\uffff', '\u{10000}'];
/** The keys themselves, and one in each gap. */
const PLACES = ['', '\0', 'b', 'c', 'd', '\uffff', '\u{10000}', '\u{10001}'];

const LONG = 'b'.repeat(2000);

function* ranges(): Generator<Range> {
  const lows = [{}, ...PLACES.flatMap((key) => [{ gt: key }, { gte: key }])];
  const highs = [{}, ...PLACES.flatMap((key) => [{ lt: key }, { lte: key }])];
  for (const low of lows) {
    for (const high of highs) {
      yield { ...low, ...high, reverse: false };
      yield { ...low, ...high, reverse: true };
    }
  }
}

async function filled(db: Db): Promise<Db> {
  await db.open();
  await db.batch(STORED.map((key) => ({ type: 'put', key, value: `of ${key}` })));
  return db;
}

/** What comes after a seek as the first call, in the middle, and after the end. */
async function soughtKeys(db: Db, range: Range, target: string): Promise<unknown> {
  const keys = db.keys(range);
  keys.seek(target);
  const first = await keys.nextv(2);
  keys.seek(target);
  const middle = await keys.nextv(STORED.length + 1);
  keys.seek(target);
  return [first, middle, await keys.all()];
}

it('brings what memory-level brings, for every range and target', async () => {
  const ours = await filled(level() as unknown as Db);
  const theirs = await filled(new MemoryLevel() as unknown as Db);
  for (const range of ranges()) {
    for (const target of [...PLACES, LONG]) {
      const expected = await soughtKeys(theirs, range, target);
      const what = `${JSON.stringify(range)}, ${target.slice(0, 2)}`;
      expect(await soughtKeys(ours, range, target), what).toEqual(expected);
    }
  }
  await theirs.close();
});

it('compares a target with bounds of another encoding', async () => {
  const db = await filled(level() as unknown as Db);
  const keys = db.keys({ gte: 'b', lt: 'd' });
  for (const [target, expected] of [
    [Buffer.from('b'), 'b'],
    [Buffer.from([0x62, 0xff]), undefined],
    [Buffer.from('a'), undefined],
    [Buffer.from('d'), undefined],
  ] as const) {
    keys.seek(target, { keyEncoding: 'buffer' } as object);
    expect(await keys.next()).toBe(expected);
  }
  await keys.close();
});

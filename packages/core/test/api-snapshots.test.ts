/**
 * Snapshots: the state of one commit, whatever is written, cleared, dropped or checkpointed later,
 * until they are closed; and what stats() says about them.
 */
import type { ColumnFamily, Database, Snapshot } from '@manifold-db/core';
import { expect } from 'vitest';
import {
  MIB,
  databasePath,
  expectThrownCode,
  openSmall,
  openSmallWith,
} from './support/api-database.js';
import { inModes, inBuildModes } from './support/modes.js';

const ROUNDS = 6;
const KEYS = 400;

interface Moment {
  readonly snapshot: Snapshot;
  readonly expected: Map<string, string>;
}

async function writeRound(
  db: Database,
  family: ColumnFamily,
  round: number,
): Promise<Map<string, string>> {
  const { sequence } = await db.write((tx) => {
    for (let at = round; at < KEYS; at += 1 + (round % 3)) {
      tx.put(family, `k${at}`, `${round}:${'x'.repeat(at % 7 === 0 ? 3000 : 200)}`);
    }
    for (let at = 0; at < KEYS; at += 5 + round) tx.delete(family, `k${at}`);
    if (round % 4 === 3) tx.clear(family, { gte: 'k2', lt: 'k3' });
  });
  expect(db.lastCommitted).toBe(sequence);
  return new Map(family.entries());
}

function check(family: ColumnFamily, { snapshot, expected }: Moment): void {
  expect(new Map(family.entries({ snapshot }))).toEqual(expected);
  expect(family.count({ snapshot })).toBe(expected.size);
  for (let at = 0; at < KEYS; at += 37) {
    expect(family.get(`k${at}`, { snapshot })).toBe(expected.get(`k${at}`));
    expect(family.has(`k${at}`, { snapshot })).toBe(expected.has(`k${at}`));
  }
}

inModes('each snapshot keeps its state', async (mode) => {
  const db = await openSmall(databasePath(), { mode });
  const family = db.columnFamily('family');
  const moments: Moment[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const expected = await writeRound(db, family, round);
    moments.push({ snapshot: db.snapshot(), expected });
    if (round === 2) await db.checkpoint();
    if (round === 4) await db.dropColumnFamily('family');
  }
  await family.clear();
  await db.checkpoint();
  await db.checkpoint();
  expect(family.count()).toBe(0);
  expect(db.stats().oldestSnapshot).toMatchObject({ sequence: moments[0]!.snapshot.sequence });
  for (const moment of moments) check(family, moment);
  // Out of order: closing one must not take another's pages away.
  for (const at of [2, 0, 5, 1]) {
    moments[at]!.snapshot.close();
    for (let more = 0; more < 20; more++) await db.put(`filler${more}`, 'y'.repeat(4000));
    await db.checkpoint();
    for (const moment of moments.filter(({ snapshot }) => !snapshot.closed)) check(family, moment);
  }
  for (const { snapshot } of moments) snapshot.close();
  expect(db.stats().oldestSnapshot).toBeUndefined();
  expect(await db.verify()).toMatchObject({ ok: true });
});

inBuildModes(
  'a snapshot is what was committed when it was taken, pending commits included',
  async () => {
    const vfsSpec = { kind: 'slow', addedSyncLatencyUs: 50_000 } as const;
    const db = await openSmallWith({ vfsSpec });
    await db.put('z', '0');
    const pending = db.put('a', '1');
    const snapshot = db.snapshot();
    expect(snapshot.sequence).toBe(2);
    expect(db.lastSynced).toBe(1);
    void db.put('a', '2');
    expect(db.get('a', { snapshot })).toBe('1');
    expect(db.get('a')).toBe('2');
    expect(await db.getAsync('a', { snapshot })).toBe('1');
    expect(db.getMany(['a', 'b'], { snapshot })).toEqual(['1', undefined]);
    await pending;
    const again = db.snapshot();
    expect(again.sequence).toBe(3);
    snapshot.close();
    again.close();
  },
);

inBuildModes('close is idempotent, Symbol.dispose closes, a closed one is refused', async () => {
  const db = await openSmall();
  await db.put('a', '1');
  const snapshot = db.snapshot();
  expect(snapshot.closed).toBe(false);
  snapshot.close();
  snapshot.close();
  expect(snapshot.closed).toBe(true);
  expectThrownCode(() => db.get('a', { snapshot }), 'ERR_MANIFOLD_CLOSED');
  expectThrownCode(() => db.entries({ snapshot }), 'ERR_MANIFOLD_CLOSED');
  const disposed = db.snapshot();
  disposed[Symbol.dispose]();
  expect(disposed.closed).toBe(true);
  expect(() => db.get('a', { snapshot: db.snapshot(), consistency: 'synced' })).toThrow(TypeError);
});

inBuildModes('an iterator outlives the snapshot it was made from', async () => {
  const db = await openSmall();
  for (let at = 0; at < 500; at++) await db.put(`k${at}`, 'old', { durability: 'none' });
  const snapshot = db.snapshot();
  const walk = db.values({ snapshot });
  expect(walk.next().value).toBe('old');
  snapshot.close();
  await db.clear();
  await db.checkpoint();
  expect(new Set(walk)).toEqual(new Set(['old']));
  expect(db.stats().oldestSnapshot).toBeUndefined();
});

inBuildModes(
  'one left open blocks neither writers nor the log; closed, its pages come back',
  async () => {
    const db = await openSmall();
    const fill = async (round: number): Promise<void> => {
      for (let at = 0; at < 64; at++) {
        await db.put(`k${at}`, `${round}`.padEnd(32 * 1024, 'x'), { durability: 'async' });
      }
    };
    await fill(0);
    const snapshot = db.snapshot();
    // Eight times what the log may hold, and many times the cache.
    for (let round = 1; round <= 16; round++) await fill(round);
    await db.checkpoint();
    const { oldestSnapshot, log, cache } = db.stats();
    expect(log.bytes).toBeLessThanOrEqual(log.bytesMax);
    expect(oldestSnapshot!.pinnedPages).toBeGreaterThanOrEqual((2 * MIB) / 4096);
    expect(oldestSnapshot!.ageMs).toBeGreaterThan(0);
    expect([...db.values({ snapshot })].every((value) => value.startsWith('0x'))).toBe(true);
    snapshot.close();
    await fill(17);
    await db.checkpoint();
    await db.checkpoint();
    expect(db.stats().oldestSnapshot).toBeUndefined();
    expect(db.stats().cache.freePageCount).toBeGreaterThan(cache.freePageCount);
  },
);

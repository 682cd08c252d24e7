/**
 * A thousand column families of which a few are written all the time and most never again: the idle
 * ones neither keep log segments from being recycled nor take room in the write buffers, and still
 * hold what they held.
 */
import type { Database } from '@manifold-db/core';
import { expect } from 'vitest';
import { SMALL, databasePath, openSmall } from './support/api-database.js';
import { inBuildModes } from './support/modes.js';

const LIMIT_MS = 300_000;
const FAMILIES = 1000;
const FAMILIES_PER_COMMIT = 50;
const BUSY = 5;
const BUSY_KEYS = 40;
/** Several times the log's limit. */
const ROUNDS = 60;
const VALUES_PER_ROUND = 20;
const VALUE_LENGTH = 50_000;
/** One idle family in so many rounds is written once more. */
const TOUCH_EVERY = 4;

const OPTIONS = { ...SMALL, writeBufferCount: 2, checkpointIntervalMs: 0 };

const nameOf = (index: number): string => `family-${String(index).padStart(4, '0')}`;
const busyValue = (round: number, index: number): string => {
  return `${round} ${index} `.padEnd(VALUE_LENGTH, String(index % 10));
};

async function createAll(db: Database): Promise<void> {
  for (let first = 0; first < FAMILIES; first += FAMILIES_PER_COMMIT) {
    await db.write((tx) => {
      for (let index = first; index < first + FAMILIES_PER_COMMIT; index++) {
        tx.put(db.columnFamily(nameOf(index)), 'first', `idle ${index}`);
      }
    });
  }
}

/** Index of the idle family that a round touches, if it touches one. */
function touchedIn(round: number): number | undefined {
  return round % TOUCH_EVERY === 0 ? BUSY + ((round * 97) % (FAMILIES - BUSY)) : undefined;
}

async function writeBusy(db: Database, round: number): Promise<void> {
  const pending: Promise<unknown>[] = [];
  for (let index = 0; index < VALUES_PER_ROUND; index++) {
    const family = db.columnFamily(nameOf(index % BUSY));
    const key = `k${(round * VALUES_PER_ROUND + index) % BUSY_KEYS}`;
    pending.push(family.put(key, busyValue(round, index)));
  }
  const touched = touchedIn(round);
  if (touched !== undefined) {
    pending.push(db.columnFamily(nameOf(touched)).put('second', `round ${round}`));
  }
  await Promise.all(pending);
}

/** What every family holds after all rounds, as `family/key` to value. */
function expectedContent(): Map<string, string> {
  const expected = new Map<string, string>();
  for (let index = 0; index < FAMILIES; index++) {
    expected.set(`${nameOf(index)}/first`, `idle ${index}`);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (let index = 0; index < VALUES_PER_ROUND; index++) {
      const key = `k${(round * VALUES_PER_ROUND + index) % BUSY_KEYS}`;
      expected.set(`${nameOf(index % BUSY)}/${key}`, busyValue(round, index));
    }
    const touched = touchedIn(round);
    if (touched !== undefined) expected.set(`${nameOf(touched)}/second`, `round ${round}`);
  }
  return expected;
}

function expectContent(db: Database): void {
  const expected = expectedContent();
  expect(db.columnFamilies()).toHaveLength(FAMILIES + 1);
  let found = 0;
  for (let index = 0; index < FAMILIES; index++) {
    const name = nameOf(index);
    for (const [key, value] of db.columnFamily(name).entries()) {
      found++;
      if (value !== expected.get(`${name}/${key}`)) {
        expect.fail(`${name}/${key} holds ${value.slice(0, 20)}`);
      }
    }
  }
  expect(found).toBe(expected.size);
}

inBuildModes('a thousand families, most of them idle', { timeout: LIMIT_MS }, async (mode) => {
  const path = databasePath();
  const db = await openSmall(path, OPTIONS);
  await createAll(db);
  const { memory } = db.stats();
  const buffersMax = OPTIONS.writeBufferBytes * OPTIONS.writeBufferCount;
  expect(memory.writeBufferBytes).toBeLessThanOrEqual(buffersMax);
  if (mode === 'buffered') expect(memory.writeBufferBytes).toBeGreaterThan(0);
  for (let round = 0; round < ROUNDS; round++) {
    await writeBusy(db, round);
    const { log } = db.stats();
    expect(log.bytes, `round ${round}`).toBeLessThanOrEqual(log.bytesMax);
  }
  const after = db.stats();
  expect(after.log.bytesMax).toBe(OPTIONS.walBytesMax);
  expect(after.log.bytesWritten).toBeGreaterThan(3 * OPTIONS.walBytesMax);
  // With the interval at 0 the log alone asks for checkpoints; no idle family holds them up.
  expect(after.log.segmentsRecycled).toBeGreaterThan(3);
  expect(after.memory).toEqual(memory);
  expect(after.failure).toBeUndefined();
  expectContent(db);
  await db.close();
  const again = await openSmall(path, OPTIONS);
  expectContent(again);
  expect(await again.verify()).toMatchObject({ ok: true, problems: [] });
});

/**
 * Failures carry the codes that programs on abstract-level know, with the engine's error as cause;
 * `destroy` and `repair` do what LevelDB's do, and never guess.
 */
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level, ManifoldLevel } from '@manifold-db/level';
import { MemoryLevel } from 'memory-level';
import { describe, expect, it } from 'vitest';
import { SMALL, causeOf, freshPath, level, rejectionOf } from './support/databases.js';

describe('opening', () => {
  it('a database that is open is LEVEL_LOCKED', async () => {
    const path = freshPath();
    await level(path).open();
    const second = level(path);
    const error = await rejectionOf(second.open());
    expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    expect(error.cause).toMatchObject({ code: 'LEVEL_LOCKED' });
    expect((error.cause as Error).cause).toMatchObject({ code: 'ERR_MANIFOLD_LOCKED' });
    expect(second.status).toBe('closed');
  });

  it('a damaged one is LEVEL_CORRUPTION', async () => {
    const path = freshPath();
    const db = level(path);
    await db.put('a', 'b');
    await db.close();
    truncateSync(join(path, 'data.manifold'), 100);
    expect(await causeOf(level(path).open())).toMatchObject({ code: 'LEVEL_CORRUPTION' });
    expect(await rejectionOf(ManifoldLevel.repair(path))).toMatchObject({
      code: 'LEVEL_CORRUPTION',
    });
    expect(statSync(join(path, 'data.manifold')).size).toBe(100);
  });

  it('with wrong options of the engine is refused by name', async () => {
    const db = level(freshPath(), { mode: 'fast' as 'buffered' });
    expect((await causeOf(db.open())).message).toContain('options.mode');
  });

  it('ignores the tuning of LevelDB', async () => {
    const db = level(freshPath(), { compression: false, cacheSize: 1, maxOpenFiles: 10 });
    await db.put('a', 'b');
    expect(await db.get('a')).toBe('b');
  });

  it('read-only: reads work, writes are LEVEL_READONLY', async () => {
    const path = freshPath();
    const db = level(path);
    await db.put('a', 'b');
    await db.close();
    const reader = level(path, { readOnly: true });
    expect(await reader.get('a')).toBe('b');
    expect(await rejectionOf(reader.put('c', 'd'))).toMatchObject({ code: 'LEVEL_READONLY' });
  });

  it('needs a location', () => {
    for (const location of ['', undefined, 7]) {
      expect(() => new ManifoldLevel(location as string)).toThrow(TypeError);
    }
  });
});

describe('misuse', () => {
  it('calls after close are LEVEL_DATABASE_NOT_OPEN', async () => {
    const db = level();
    await db.open();
    await db.close();
    const notOpen = { code: 'LEVEL_DATABASE_NOT_OPEN' };
    for (const call of [
      db.get('a'),
      db.put('a', 'b'),
      db.approximateSize('a', 'b'),
      db.compactRange('a', 'b'),
    ]) {
      expect(await rejectionOf(call)).toMatchObject(notOpen);
    }
    expect(() => db.getSync('a')).toThrow(expect.objectContaining(notOpen));
  });

  it('a snapshot of another database is refused', async () => {
    const db = level();
    const sibling = level();
    const stranger = new MemoryLevel();
    await Promise.all([db.open(), sibling.open(), stranger.open()]);
    const snapshots = [sibling.snapshot(), stranger.snapshot()];
    for (const snapshot of snapshots) {
      expect(await rejectionOf(db.get('a', { snapshot }))).toBeInstanceOf(TypeError);
      const walk = async () => db.iterator({ snapshot }).next();
      expect(await rejectionOf(walk())).toBeInstanceOf(TypeError);
      await snapshot.close();
    }
  });
});

describe('destroy', () => {
  it('removes the database and its directory', async () => {
    const path = freshPath();
    const db = level(path);
    await db.put('a', 'b');
    expect(await rejectionOf(Level.destroy(path))).toMatchObject({ code: 'LEVEL_LOCKED' });
    expect(await db.get('a')).toBe('b');
    await db.close();
    await Level.destroy(path);
    expect(existsSync(path)).toBe(false);
    await Level.destroy(path);
    await db.open();
    expect(await db.get('a')).toBeUndefined();
  });

  it('leaves alone what is not its own', async () => {
    const path = freshPath();
    const db = level(path);
    await db.open();
    await db.close();
    writeFileSync(join(path, 'notes.txt'), 'mine');
    await Level.destroy(path);
    expect(readdirSync(path)).toEqual(['notes.txt']);
    await Level.destroy(path);
    expect(readdirSync(path)).toEqual(['notes.txt']);
  });
});

it('repair recovers, compacts and checks', async () => {
  const path = freshPath();
  const db = level(path);
  await db.put('a', 'b');
  expect(await rejectionOf(ManifoldLevel.repair(path))).toMatchObject({ code: 'LEVEL_LOCKED' });
  await db.close();
  await ManifoldLevel.repair(path);
  expect(await rejectionOf(ManifoldLevel.repair(freshPath()))).toBeInstanceOf(Error);
  await db.open();
  expect(await db.get('a')).toBe('b');
});

it('sizes grow with the range, and compaction keeps everything', async () => {
  const db = level(freshPath(), SMALL);
  expect(await db.approximateSize('a', 'z')).toBe(0);
  const value = 'x'.repeat(1000);
  const keys = Array.from({ length: 2000 }, (_, i) => String(i).padStart(4, '0'));
  await db.batch(keys.map((key) => ({ type: 'put', key, value })));
  await db.compactRange('0', '9');
  const whole = await db.approximateSize('0', '9');
  expect(whole).toBeGreaterThan(2_000_000);
  expect(whole).toBeLessThan(8_000_000);
  const half = await db.approximateSize('0000', '1000');
  expect(half / whole).toBeCloseTo(0.5, 2);
  expect(await db.approximateSize('x', 'y')).toBe(0);
  expect(await db.keys().all()).toEqual(keys);
});

/** `backup`: the copy is the state after one commit, whole; a failed one leaves nothing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { open, type Database } from '@manifold-db/core';
import { openWith } from '@manifold-db/core/internal';
import { PageKind } from '@manifold-db/storage';
import { flipBit, inspectDataFile } from './support/data-file.js';
import { copyOpenDatabase, freshPath } from './support/directories.js';

async function contentOf(
  path: string,
): Promise<{ rows: [string, string][]; lastSequence: number }> {
  const copy = await open(path, { createIfMissing: false });
  expect(await copy.verify()).toMatchObject({ ok: true, problems: [] });
  const rows = [...copy.entries()];
  const lastSequence = copy.lastCommitted;
  // The copy is a database like any other.
  await copy.put('written to the copy', 'yes');
  await copy.close();
  const again = await open(path, { createIfMissing: false });
  expect(again.get('written to the copy')).toBe('yes');
  await again.close();
  return { rows, lastSequence };
}

async function fill(db: Database, count: number): Promise<void> {
  await db.write((tx) => {
    for (let i = 0; i < count; i++) tx.put(db.columnFamily('rows'), `k${i}`, 'v'.repeat(100));
  });
  await db.columnFamily('blobs').put('blob', 'x'.repeat(500_000));
}

describe('backup', () => {
  it('is the state after the commit it names, while writes go on', async () => {
    const path = freshPath();
    const db = await open(path, { cacheBytes: 16 * 1024 * 1024, checkpointIntervalMs: 5 });
    const model = new Map<string, string>();
    /** Changes by sequence; commits are made one after another. */
    const history: { sequence: number; change: (rows: Map<string, string>) => void }[] = [];
    const done = new AbortController();
    const write = async (): Promise<void> => {
      for (let commit = 0; !done.signal.aborted; commit++) {
        const changes: [string, string | undefined][] = [];
        for (let i = 0; i < 100; i++) {
          const key = `k${(commit * 7919 + i * 104_729) % 1_500}`;
          changes.push([key, i % 4 === 0 ? undefined : `${commit}-${'.'.repeat(i)}`]);
        }
        changes.push(['blob', `${commit % 10}`.repeat(8_000)]);
        const { sequence } = await db.write((tx) => {
          for (const [key, value] of changes) {
            if (value === undefined) tx.delete(db.columnFamily('default'), key);
            else tx.put(db.columnFamily('default'), key, value);
          }
        });
        history.push({
          sequence,
          change: (rows) => {
            for (const [key, value] of changes) {
              if (value === undefined) rows.delete(key);
              else rows.set(key, value);
            }
          },
        });
      }
    };
    const writing = write();
    const copies: { target: string; sequence: number }[] = [];
    for (let round = 0; round < 2; round++) {
      const committed = db.lastCommitted;
      const target = freshPath('copy');
      const report = await db.backup(target);
      expect(report.path).toBe(target);
      expect(report.sequence).toBeGreaterThanOrEqual(committed);
      expect(report.bytes).toBeGreaterThan(0);
      copies.push({ target, sequence: report.sequence });
      await db.waitForSync(db.lastCommitted + 3);
    }
    done.abort();
    await writing;
    expect(db.stats().oldestSnapshot).toBeUndefined();
    for (const { target, sequence } of copies) {
      const { rows, lastSequence } = await contentOf(target);
      expect(lastSequence).toBe(sequence);
      while (history.length > 0 && history[0]!.sequence <= sequence) history.shift()!.change(model);
      const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(rows).toEqual(expected);
    }
    await db.close();
  });

  it('makes missing directories, takes an empty one, and copies holes as holes', async () => {
    const path = freshPath();
    const db = await open(path);
    await fill(db, 5_000);
    const deep = join(freshPath('a'), 'b', 'c');
    const { bytes } = await db.backup(deep);
    const empty = freshPath('empty');
    mkdirSync(empty);
    await db.backup(empty);
    await db.columnFamily('rows').clear();
    const small = await db.backup(freshPath('small'));
    expect(small.bytes).toBeLessThan(bytes);
    await db.close();
    for (const target of [deep, empty]) {
      const copy = await open(target, { readOnly: true, createIfMissing: false });
      expect(copy.columnFamily('rows').count()).toBe(5_000);
      expect(copy.columnFamily('blobs').get('blob')).toBe('x'.repeat(500_000));
      await copy.close();
    }
  });

  it('has an id of its own', async () => {
    const path = freshPath();
    const target = freshPath('copy');
    const db = await open(path);
    await fill(db, 10);
    await db.backup(target);
    await db.close();
    const ids = [path, target].map((directory) => {
      return Buffer.from(inspectDataFile(directory).checkpoint.meta.databaseId).toString('hex');
    });
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('refuses a target that holds anything, and leaves it alone', async () => {
    const path = freshPath();
    const db = await open(path);
    await fill(db, 10);
    const code = 'ERR_MANIFOLD_BACKUP_TARGET';
    const full = freshPath('full');
    mkdirSync(full);
    writeFileSync(join(full, 'notes.txt'), 'mine');
    await expect(db.backup(full)).rejects.toMatchObject({ code, path: full });
    expect(readdirSync(full)).toEqual(['notes.txt']);
    const file = join(full, 'notes.txt');
    await expect(db.backup(file)).rejects.toMatchObject({ code, path: file });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    await expect(db.backup(path)).rejects.toMatchObject({ code });
    expect(() => db.backup('')).toThrow(TypeError);
    const shared = freshPath('shared');
    const results = await Promise.allSettled([db.backup(shared), db.backup(shared)]);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ reason: { code } });
    await db.close();
    await contentOf(shared);
  });

  it('never copies damage', async () => {
    const path = freshPath();
    const db = await open(path);
    await fill(db, 5_000);
    await db.close();
    const data = inspectDataFile(path);
    const reader = await open(path, { readOnly: true, createIfMissing: false });
    for (const kind of [PageKind.LEAF, PageKind.OVERFLOW_DATA, PageKind.FREE_MAP]) {
      const offset = data.byKind.get(kind)!.at(-1)! * data.pageBytes + 777;
      flipBit(data.path, offset);
      const target = freshPath('copy');
      const failure = { code: 'ERR_MANIFOLD_CORRUPT', path: data.path, offset: offset - 777 };
      await expect(reader.backup(target), `kind ${kind}`).rejects.toMatchObject(failure);
      flipBit(data.path, offset);
      expect(existsSync(target) ? readdirSync(target) : []).toEqual([]);
    }
    expect(reader.stats().oldestSnapshot).toBeUndefined();
    await reader.close();
  });

  it('rejects with the reason of its signal and removes what it wrote', async () => {
    const path = freshPath();
    const db = await open(path);
    await fill(db, 10_000);
    const reason = new Error('enough');
    const controller = new AbortController();
    const target = freshPath('copy');
    const copying = db.backup(target, { signal: controller.signal });
    const seen = (async () => {
      while (!existsSync(target)) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(reason);
    })();
    await expect(copying).rejects.toBe(reason);
    await seen;
    expect(readdirSync(target)).toEqual([]);
    expect(db.stats().oldestSnapshot).toBeUndefined();
    await db.backup(target);
    await db.close();
    await contentOf(target);
  });

  it('takes the log along when the original, open for reading, needs it', async () => {
    const path = freshPath();
    const crashed = freshPath('crashed');
    const db = await open(path, { checkpointIntervalMs: 0 });
    await fill(db, 100);
    await db.checkpoint();
    for (let i = 0; i < 50; i++) await db.put(`k${i}`, `v${i}`);
    copyOpenDatabase(path, crashed);
    const { lastCommitted } = db;
    await db.close();
    const reader = await open(crashed, { readOnly: true, createIfMissing: false });
    const target = freshPath('copy');
    expect(await reader.backup(target)).toMatchObject({ sequence: lastCommitted });
    await reader.close();
    const { rows, lastSequence } = await contentOf(target);
    expect(rows).toHaveLength(50);
    expect(lastSequence).toBe(lastCommitted);
  });

  it('saves what a failed database acknowledged', async () => {
    const gate = new SharedArrayBuffer(4);
    const path = freshPath();
    const db = await openWith(
      path,
      { checkpointIntervalMs: 0 },
      {
        vfsSpec: {
          kind: 'fault',
          rules: [{ operation: 'dataSync', pathIncludes: join(path, 'wal-'), errno: 'EIO', gate }],
        },
      },
    );
    for (let i = 0; i < 20; i++) await db.put(`k${String(i).padStart(2, '0')}`, `v${i}`);
    Atomics.store(new Int32Array(gate), 0, 1);
    await expect(db.put('lost', 'perhaps')).rejects.toMatchObject({
      code: 'ERR_MANIFOLD_INDETERMINATE',
    });
    const target = freshPath('copy');
    const { sequence } = await db.backup(target);
    expect(sequence).toBeGreaterThanOrEqual(20);
    expect(await db.verify()).toMatchObject({ ok: true });
    await expect(db.close()).rejects.toMatchObject({ code: 'ERR_MANIFOLD_POISONED' });
    const { rows } = await contentOf(target);
    expect(rows.slice(0, 20).map(([key]) => key)).toEqual(
      Array.from({ length: 20 }, (_, i) => `k${String(i).padStart(2, '0')}`),
    );
  });
});

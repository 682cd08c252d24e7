/** `verify`: finds every kind of damage where it is, and none where there is none. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open, type Database, type VerifyReport } from '@manifold-db/core';
import {
  DATA_FILE_NAME,
  FREE_MAP_BITS_OFFSET,
  META_PAGE_COUNT,
  PageKind,
  metaSlot,
} from '@manifold-db/storage';
import { flipBit, forgePage, inspectDataFile } from './support/data-file.js';
import { copyOpenDatabase, freshPath } from './support/directories.js';

const READ_ONLY = { readOnly: true, createIfMissing: false } as const;

/** Family `rows`: three levels of small entries; `blobs`: overflow values; `empty`: nothing. */
async function fill(db: Database): Promise<void> {
  const rows = db.columnFamily('rows');
  const blobs = db.columnFamily<string, Buffer>('blobs', { valueEncoding: 'buffer' });
  for (let start = 0; start < 15_000; start += 5_000) {
    await db.write((tx) => {
      for (let i = start; i < start + 5_000; i++) {
        tx.put(rows, `row-${String(i).padStart(7, '0')}`, `value ${i} ${'.'.repeat(90)}`);
      }
    });
  }
  await db.write((tx) => {
    for (let i = 0; i < 40; i++) tx.put(blobs, `blob-${i}`, Buffer.alloc(2_000 + 3_000 * i, i));
  });
  await db.columnFamily('empty').put('k', 'v');
  await db.columnFamily('empty').delete('k');
}

/** Made once; tests work on copies. */
let template: string;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'manifold-test-'));
  const db = await open(template);
  await fill(db);
  await db.close();
});

afterAll(() => rmSync(template, { recursive: true, force: true }));

function closedDatabase(): string {
  const path = freshPath();
  cpSync(template, path, { recursive: true });
  return path;
}

function places(report: VerifyReport): { page: number; family: string | undefined }[] {
  return report.problems.map(({ offset, columnFamily }) => {
    return { page: offset / 4096, family: columnFamily };
  });
}

describe('verify', () => {
  it('counts what it checked in a sound database, open for writing or for reading', async () => {
    const path = closedDatabase();
    const db = await open(path);
    const report = await db.verify();
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, entriesChecked: 15_040 });
    expect(report.columnFamilyCount).toBe(3);
    expect(report.sequence).toBe(db.lastCommitted);
    await db.close();
    const { checkpoint } = inspectDataFile(path);
    const reader = await open(path, READ_ONLY);
    const again = await reader.verify();
    expect(again).toMatchObject({ ok: true, entriesChecked: 15_040, problems: [] });
    expect(again.pagesChecked).toBe(checkpoint.freeMap.inUse.count);
    expect(again.logSegmentsChecked).toBeGreaterThan(0);
    await reader.close();
  });

  it('names page and column family of a flipped bit, whatever kind of page it is in', async () => {
    const path = closedDatabase();
    const data = inspectDataFile(path);
    const db = await open(path, READ_ONLY);
    const { meta } = data.checkpoint;
    const rowsAndBlobs: number[] = [];
    for (const kind of Object.values(PageKind)) {
      const pages = data.byKind.get(kind) ?? [];
      expect(pages.length, `pages of kind ${kind}`).toBeGreaterThan(0);
      // The newest meta page has a test of its own.
      const newest = metaSlot(meta.metaGeneration);
      const own = pages.findLast((candidate) => data.families.has(candidate)) ?? pages.at(-1)!;
      const page = kind === PageKind.META ? 1 - newest : own;
      const offset = page * data.pageBytes + 1234;
      flipBit(data.path, offset);
      const report = await db.verify();
      flipBit(data.path, offset);
      expect(report.ok, `kind ${kind}`).toBe(false);
      expect(places(report), `kind ${kind}`).toContainEqual({
        page,
        family: data.families.get(page),
      });
      expect(report.problems[0]).toMatchObject({ path: data.path });
      if (data.families.has(page)) rowsAndBlobs.push(page);
    }
    expect(rowsAndBlobs).toHaveLength(4);
    flipBit(data.path, meta.catalogPage * data.pageBytes + 99);
    expect(places(await db.verify())).toContainEqual({ page: meta.catalogPage, family: undefined });
    flipBit(data.path, meta.catalogPage * data.pageBytes + 99);
    expect(await db.verify()).toMatchObject({ ok: true });
    await db.close();
  });

  it('finds every damaged page of a tree, not only the first', async () => {
    const path = closedDatabase();
    const data = inspectDataFile(path);
    const leaves = data.byKind.get(PageKind.LEAF)!.filter((page) => data.families.has(page));
    const damaged = leaves.filter((_page, index) => index % 50 === 7);
    for (const page of damaged) flipBit(data.path, page * data.pageBytes + 4000);
    const db = await open(path, READ_ONLY);
    const report = await db.verify();
    expect(
      places(report)
        .map(({ page }) => page)
        .sort(),
    ).toEqual(damaged.sort());
    await db.close();
  });

  it('finds a page that nothing refers to, and a used one that is called free', async () => {
    const path = closedDatabase();
    const data = inspectDataFile(path);
    const db = await open(path, READ_ONLY);
    const { freeMap, meta } = data.checkpoint;
    const { page: map } = freeMap.chunks[0]!;
    const flip = (page: number) =>
      forgePage(data, map, (bytes) => {
        bytes[FREE_MAP_BITS_OFFSET + (page >>> 3)]! ^= 1 << (page & 7);
      });
    let free = META_PAGE_COUNT;
    while (freeMap.inUse.has(free)) free++;
    expect(free).toBeLessThan(meta.pageCount);
    let undo = flip(free);
    let report = await db.verify();
    undo();
    expect(places(report)).toEqual([{ page: free, family: undefined }]);
    expect(report.problems[0]?.message).toMatch(/nothing refers to it/);
    const used = data.byKind.get(PageKind.OVERFLOW_DATA)![3]!;
    undo = flip(used);
    report = await db.verify();
    undo();
    expect(places(report)).toEqual([{ page: used, family: 'blobs' }]);
    expect(report.problems[0]?.message).toMatch(/free map calls it free/);
    await db.close();
  });

  it('finds a damaged newest meta page of a running database', async () => {
    const path = closedDatabase();
    const db = await open(path);
    await db.checkpoint();
    const { checkpoint, pageBytes, path: file } = inspectDataFile(path);
    const page = metaSlot(checkpoint.meta.metaGeneration);
    flipBit(file, page * pageBytes + 100);
    // The checkpoint of verify goes to the other page.
    await db.put('k', 'v');
    const report = await db.verify();
    expect(places(report)).toEqual([{ page, family: undefined }]);
    await db.put('k', 'w');
    await db.checkpoint();
    expect(await db.verify()).toMatchObject({ ok: true });
    expect(page).toBeLessThan(META_PAGE_COUNT);
    await db.close();
  });

  it('checks the log behind the checkpoint, and finds damage in it', async () => {
    const path = freshPath();
    const crashed = freshPath('crashed');
    const db = await open(path, { checkpointIntervalMs: 0 });
    for (let i = 0; i < 30; i++) await db.put(`k${i}`, 'v'.repeat(500));
    copyOpenDatabase(path, crashed);
    await db.close();
    const reader = await open(crashed, READ_ONLY);
    expect(reader.count()).toBe(30);
    const sound = await reader.verify();
    expect(sound).toMatchObject({ ok: true, logRecordsChecked: 30 });
    const log = join(
      crashed,
      readdirSync(crashed).find((name) => name.startsWith('wal-'))!,
    );
    flipBit(log, 64 + 3_000);
    const report = await reader.verify();
    expect(report.ok).toBe(false);
    expect(report.problems[0]).toMatchObject({ path: log, columnFamily: undefined });
    expect(report.problems[0]!.offset).toBeGreaterThanOrEqual(64);
    await reader.close();
  });

  it('finds nothing while writes, checkpoints and recycling go on', async () => {
    const path = freshPath();
    const db = await open(path, {
      cacheBytes: 16 * 1024 * 1024,
      walRingBytes: 1024 * 1024,
      walSegmentBytes: 3 * 1024 * 1024,
      walBytesMax: 12 * 1024 * 1024,
      checkpointIntervalMs: 5,
    });
    const done = new AbortController();
    const write = async (): Promise<number> => {
      let commits = 0;
      for (; !done.signal.aborted; commits++) {
        const family = db.columnFamily(`family-${commits % 3}`);
        await db.write((tx) => {
          for (let i = 0; i < 300; i++) {
            const key = `k${(commits * 7919 + i * 104_729) % 5_000}`;
            if (i % 3 === 0) tx.delete(family, key);
            else tx.put(family, key, `${commits}`.repeat(i % 97 === 1 ? 2_000 : 30));
          }
        });
        if (commits % 40 === 39) await db.dropColumnFamily(`family-${commits % 3}`);
      }
      return commits;
    };
    const writing = write();
    const before = db.stats().checkpoints.count;
    let entries = 0;
    for (let round = 0; round < 8; round++) {
      const report = await db.verify();
      expect(report.problems).toEqual([]);
      entries += report.entriesChecked;
    }
    done.abort();
    expect(await writing).toBeGreaterThan(8);
    expect(entries).toBeGreaterThan(0);
    expect(db.stats().checkpoints.count).toBeGreaterThan(before + 8);
    expect(db.stats().oldestSnapshot).toBeUndefined();
    await db.close();
  });

  it('rejects with the reason of its signal, and lets the pages go', async () => {
    const path = closedDatabase();
    const db = await open(path);
    const reason = new Error('enough');
    await expect(db.verify({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const verifying = db.verify({ signal: controller.signal });
    controller.abort(reason);
    await expect(verifying).rejects.toBe(reason);
    expect(db.stats().oldestSnapshot).toBeUndefined();
    expect(await db.verify()).toMatchObject({ ok: true });
    await db.close();
  });

  it('ends with the database', async () => {
    const path = closedDatabase();
    const db = await open(path);
    const verifying = db.verify();
    const closing = db.close();
    await expect(verifying).rejects.toMatchObject({ code: 'ERR_MANIFOLD_CLOSED' });
    await closing;
  });

  it('keeps the process alive while its threads work, and not when they idle', async () => {
    const path = closedDatabase();
    const core = import.meta.resolve('@manifold-db/core');
    const storage = import.meta.resolve('@manifold-db/storage');
    // The pool alone, never closed: nothing else could keep this process alive.
    const program = `
      import { SidePool } from ${JSON.stringify(new URL('./side/pool.js', core).href)};
      import { createRealVfs, loadCheckpoint } from ${JSON.stringify(storage)};
      const [directory, dataPath] = process.argv.slice(2);
      const { meta } = loadCheckpoint(createRealVfs(), directory);
      const pool = new SidePool(2);
      await pool.job(undefined, async (job) => {
        const { problems, families } = await job.run('loadContents', {
          dataPath,
          meta,
          reportsUnreadable: true,
        });
        console.log(problems.length, families.length);
      });
    `;
    const file = freshPath('program.mjs');
    writeFileSync(file, program);
    const args = [file, path, join(path, DATA_FILE_NAME)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe('0 3\n');
  });
});

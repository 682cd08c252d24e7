/**
 * Read-only: shows what the log holds beyond the checkpoint, refuses writes, changes no byte.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { open } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { runProgram } from './support/api-child.js';
import { databasePath, expectCode, openSmall, SMALL } from './support/api-database.js';
import { MODES } from './support/modes.js';

/** What it leaves when it is killed: everything in the log, nothing in the data file. */
const WRITER = `
  import { open } from '@manifold-db/core';
  const db = await open(process.argv[1]);
  const other = db.columnFamily('other');
  for (let at = 0; at < 50; at++) await other.put('k' + at, 'v' + at, { durability: 'none' });
  await db.put('a', '1');
  if (process.argv[2] === 'close') await db.close();
  else process.kill(process.pid, 'SIGKILL');
`;

/** Every file with the digest of its content and its time of change. */
function fingerprint(path: string): string[] {
  return readdirSync(path).map((name) => {
    const file = join(path, name);
    const digest = createHash('sha1').update(readFileSync(file)).digest('hex');
    return `${name} ${digest} ${statSync(file).mtimeMs}`;
  });
}

it('a database that is not there is not created', async () => {
  const path = databasePath();
  const error = await expectCode(open(path, { readOnly: true }), 'ERR_MANIFOLD_NOT_FOUND');
  expect(error.message).toContain(path);
  expect(existsSync(path)).toBe(false);
});

it.each(MODES)('mode %s: reads everything, writes nothing', async (mode) => {
  const closed = databasePath();
  const left = databasePath();
  expect(await runProgram(WRITER, [closed, 'close'])).toMatchObject({ code: 0 });
  expect(await runProgram(WRITER, [left, 'kill'])).toMatchObject({ signal: 'SIGKILL' });

  for (const directory of [closed, left]) {
    const before = fingerprint(directory);
    const reader = await openSmall(directory, { readOnly: true, mode });
    expect(reader.stats().recovery.commitsReplayed).toBe(directory === left ? 51 : 0);
    expect(reader.lastCommitted).toBe(51);
    expect(reader.columnFamilies()).toEqual(['default', 'other']);
    const family = reader.columnFamily<string, string>('other');
    expect(family.count()).toBe(50);
    expect(family.get('k49')).toBe('v49');
    expect(family.get('k49', { consistency: 'synced' })).toBe('v49');
    expect(family.get('k49', { consistency: 'applied' })).toBe('v49');
    expect(await family.getAsync('k7')).toBe('v7');
    const snapshot = reader.snapshot();
    expect([...reader.entries({ snapshot })]).toEqual([['a', '1']]);
    snapshot.close();
    await reader.waitForSync();
    await reader.waitForApply();

    const refused = [
      reader.put('a', '2'),
      reader.delete('a'),
      reader.clear(),
      reader.write((tx) => tx.put(reader.defaultFamily, 'a', '2')),
      reader.transaction(async (tx) => tx.put(reader.defaultFamily, 'a', '2')),
      reader.batch().put(family, 'a', '2').write(),
      reader.dropColumnFamily('other'),
      reader.checkpoint(),
    ];
    for (const promise of refused) await expectCode(promise, 'ERR_MANIFOLD_READONLY');
    expect(reader.get('a')).toBe('1');
    await reader.close();
    expect(fingerprint(directory)).toEqual(before);
  }
});

it('several readers may share a database', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  await db.put('a', '1');
  await db.close();
  const readers = await Promise.all(
    [1, 2, 3].map(() => openSmall(path, { ...SMALL, readOnly: true })),
  );
  expect(readers.map((reader) => reader.get('a'))).toEqual(['1', '1', '1']);
});

/** A block of the log that its own watermark calls synced is cut out, as recycling would. */
function loseFirstBlock(path: string): void {
  const log = readdirSync(path).find((name) => name.startsWith('wal-'))!;
  const file = openSync(join(path, log), 'r+');
  writeSync(file, new Uint8Array(512), 0, 512, 64);
  closeSync(file);
}

it('beside a writer, what looks like damage is the writer', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  for (let at = 0; at < 5; at++) await db.put(`k${at}`, '1');
  loseFirstBlock(path);
  const error = await expectCode(open(path, { readOnly: true }), 'ERR_MANIFOLD_LOCKED');
  expect(error.message).toContain(`process ${process.pid} writes`);
  expect(error.cause).toMatchObject({ code: 'ERR_MANIFOLD_CORRUPT' });
  // Nobody writes to a copy whose writer is gone.
  const copy = databasePath();
  cpSync(path, copy, { recursive: true });
  rmSync(join(copy, 'LOCK'));
  await expectCode(open(copy, { readOnly: true }), 'ERR_MANIFOLD_CORRUPT');
  await db.close();
});

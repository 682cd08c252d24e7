/**
 * One directory, one owner: in the process, through a symbolic link, in another process, in a
 * forked child, and after a process that was killed.
 */
import { fork } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { startProgram, whenGone, whenPrinted } from './support/api-child.js';
import {
  SMALL,
  databasePath,
  expectCode,
  openSmall,
  tempDirectory,
} from './support/api-database.js';

const HOLDER = `
  import { open } from '@manifold-db/core';
  const db = await open(process.argv[1]);
  await db.put('from', 'holder');
  console.log('open');
  setInterval(() => {}, 1000);
`;

it('a second open in the same process is refused, also through a symbolic link', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const link = join(tempDirectory(), 'link');
  symlinkSync(path, link);
  for (const other of [path, link, `${path}/../db`]) {
    const error = await expectCode(open(other, SMALL), 'ERR_MANIFOLD_LOCKED');
    expect(error.message).toContain(String(process.pid));
  }
  expect(readdirSync(path).filter((name) => name.startsWith('LOCK'))).toEqual(['LOCK']);
  await db.put('still', 'usable');
  await db.close();
  const next = await openSmall(link);
  expect(next.get('still')).toBe('usable');
});

it('of two opens at the same time one wins', async () => {
  const path = databasePath();
  const results = await Promise.allSettled([openSmall(path), openSmall(path)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const refused = results.find((result) => result.status === 'rejected');
  expect(refused).toMatchObject({ reason: { code: 'ERR_MANIFOLD_LOCKED' } });
});

it('another process is refused and told who holds it; after kill -9 it may take over', async () => {
  const path = databasePath();
  const holder = startProgram(HOLDER, [path]);
  await whenPrinted(holder, 'open');
  const error = await expectCode(open(path, SMALL), 'ERR_MANIFOLD_LOCKED');
  expect(error.message).toContain(path);
  expect(error.message).toContain(String(holder.pid));
  expect(error.message).toContain(hostname());

  holder.kill('SIGKILL');
  await whenGone(holder);
  expect(existsSync(join(path, 'LOCK'))).toBe(true);
  const db = await openSmall(path);
  expect(db.get('from')).toBe('holder');
  expect(db.stats().recovery).toMatchObject({ clean: false, commitsReplayed: 1 });
  expect(readFileSync(join(path, 'LOCK'), 'utf8')).toContain(String(process.pid));
});

it('a forked child with the path of an open handle is refused', async () => {
  const path = databasePath();
  const db = await openSmall(path);
  const script = join(tempDirectory(), 'child.mjs');
  const core = import.meta.resolve('@manifold-db/core');
  writeFileSync(
    script,
    `import { open } from ${JSON.stringify(core)};
     process.once('message', (path) => {
       open(path).then(
         () => process.send({ code: 'opened' }),
         (error) => process.send({ code: error.code, message: error.message }),
       ).finally(() => process.disconnect());
     });`,
  );
  const child = fork(script, { cwd: fileURLToPath(new URL('..', import.meta.url)) });
  const answer = new Promise((resolve) => child.once('message', resolve));
  child.send(db.path);
  expect(await answer).toMatchObject({
    code: 'ERR_MANIFOLD_LOCKED',
    message: expect.stringContaining(String(process.pid)) as unknown,
  });
  await whenGone(child);
  await db.put('a', '1');
});

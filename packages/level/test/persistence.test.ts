/**
 * What was written is there after reopening, whichever way it was written and whichever mode opens
 * it; `sync` decides what a resolved promise means.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { MODES, SMALL, freshPath, level } from './support/databases.js';

it.each(MODES)('everything is there after reopening, mode %s', async (mode) => {
  const path = freshPath();
  const other = MODES.find((name) => name !== mode)!;
  const first = level<string, unknown>(path, { mode, valueEncoding: 'json' });
  await first.put('put', { n: 1 });
  await first.batch([
    { type: 'put', key: 'batch', value: [2] },
    { type: 'put', key: 'gone', value: 0 },
  ]);
  await first.batch().put('chained', '3').del('gone').write({ sync: true });
  await first.sublevel('sub').put('inner', '4');
  await first.close();
  await first.open();
  expect(await first.get('put')).toEqual({ n: 1 });
  await first.close();

  const second = level<string, unknown>(path, { mode: other, valueEncoding: 'json' });
  expect(await second.iterator().all()).toEqual([
    ['!sub!inner', 4],
    ['batch', [2]],
    ['chained', '3'],
    ['put', { n: 1 }],
  ]);
});

const PROGRAM = `
import { ManifoldLevel } from '@manifold-db/level';
const [location, options] = process.argv.slice(-2);
const db = new ManifoldLevel(location, JSON.parse(options));
for (let i = 0; i < 100; i++) await db.put('put' + i, 'v');
await db.batch([{ type: 'put', key: 'batch', value: 'v' }]);
await db.batch().put('chained', 'v').write();
await db.del('put0');
await db.clear({ gte: 'put98', lte: 'put99' });
process.stdout.write('written');
setInterval(() => {}, 1000);
`;

it.each(MODES)('what resolved survives the death of the process, mode %s', async (mode) => {
  const path = freshPath();
  const options = JSON.stringify({ ...SMALL, mode });
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', PROGRAM, '--', path, options],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  expect(String(printed)).toBe('written');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const db = level(path, { mode });
  expect(await db.keys().all()).toHaveLength(99);
  expect(await db.hasMany(['put0', 'put1', 'put97', 'put98', 'put99', 'batch', 'chained'])).toEqual(
    [false, true, true, false, false, true, true],
  );
});

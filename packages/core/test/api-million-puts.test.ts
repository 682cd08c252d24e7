/**
 * A program that puts a million entries without ever awaiting in between: memory stays within what
 * `stats().memory` says plus a constant, and all of them are there afterwards.
 */
import { expect, it } from 'vitest';
import { runProgram } from './support/api-child.js';
import { MIB, databasePath, openSmall } from './support/api-database.js';

const COUNT = 1_000_000;
/** Node with its threads, the bound of the heap below, and what V8 keeps beside it. */
const BASE_BYTES = 330 * MIB;
const HEAP_MIB = 128;

const SOURCE = `
  import { open } from '@manifold-db/core';
  const [path, count] = process.argv.slice(1);
  const db = await open(path);
  // Log and frames are there: from here on no limit makes a call wait.
  for (let at = 0; at < 100; at++) await db.put('key000000000', 'warm-up');
  await db.waitForApply();
  let rssMax = 0;
  const started = performance.now();
  for (let at = 0; at < Number(count); at++) {
    db.put('key' + String(at).padStart(9, '0'), 'value of ' + at);
    if (at % 10_000 === 0) rssMax = Math.max(rssMax, process.memoryUsage.rss());
  }
  const calledMs = performance.now() - started;
  await db.waitForSync();
  const seconds = (performance.now() - started) / 1000;
  const { memory, stalls } = db.stats();
  console.log(JSON.stringify({ rssMax, calledMs, rate: Math.round(count / seconds), memory, stalls }));
  await db.close();
`;

it('a million puts without an await', { timeout: 240_000 }, async () => {
  const path = databasePath();
  const heap = [`--max-old-space-size=${HEAP_MIB}`];
  const run = await runProgram(SOURCE, [path, String(COUNT)], heap);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  const { rssMax, memory, rate } = JSON.parse(run.stdout) as {
    rssMax: number;
    memory: { totalBytes: number };
    rate: number;
  };
  console.info(`${rate} puts/s, ${Math.round(rssMax / MIB)} MiB resident`);
  expect(rssMax).toBeLessThan(memory.totalBytes + BASE_BYTES);

  const db = await openSmall(path, { cacheBytes: 16 * MIB });
  expect(db.lastCommitted).toBe(100 + COUNT);
  expect(db.count()).toBe(COUNT);
  let at = 0;
  for (const [key, value] of db.entries()) {
    if (key !== `key${String(at).padStart(9, '0')}` || value !== `value of ${at}`) break;
    at++;
  }
  expect(at).toBe(COUNT);
});

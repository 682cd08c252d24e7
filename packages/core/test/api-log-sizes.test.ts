/**
 * Sizes of the log may change at every open, whatever the last process left: a program that raises
 * `walSegmentBytes` must not find its database refused.
 */
import type { OpenOptions } from '@manifold-db/core';
import { expect, it } from 'vitest';
import { runProgram } from './support/api-child.js';
import { MIB, SMALL, databasePath, openSmall } from './support/api-database.js';

/** Writes a few commits with the sizes of its argument, then closes or dies. */
const WRITER = `
  import { open } from '@manifold-db/core';
  const [path, options, name, end] = process.argv.slice(1);
  const db = await open(path, JSON.parse(options));
  for (let at = 0; at < 20; at++) await db.put(name + at, 'x'.repeat(1000));
  if (end === 'close') await db.close();
  else process.kill(process.pid, 'SIGKILL');
`;

const LARGE: OpenOptions = { walSegmentBytes: 5 * MIB, walRingBytes: MIB, walBytesMax: 40 * MIB };

it.each(['close', 'kill'])('other sizes at every open, after a %s', async (end) => {
  const path = databasePath();
  const sizes = [SMALL, LARGE, SMALL, {}];
  for (const [at, options] of sizes.entries()) {
    const run = await runProgram(WRITER, [path, JSON.stringify(options), `run${at}-`, end]);
    expect(run).toMatchObject(end === 'close' ? { code: 0 } : { signal: 'SIGKILL' });
  }
  const db = await openSmall(path, LARGE);
  expect(db.count()).toBe(sizes.length * 20);
  for (const at of sizes.keys()) expect(db.get(`run${at}-19`)).toBe('x'.repeat(1000));
  // The log still turns over: more than all its segments together.
  for (let at = 0; at < 60; at++)
    await db.put(`more${at}`, 'y'.repeat(MIB), { durability: 'async' });
  expect(db.stats().log.bytes).toBeLessThanOrEqual(db.stats().log.bytesMax);
  await db.close();
  expect((await openSmall(path)).count({ prefix: 'more' })).toBe(60);
});

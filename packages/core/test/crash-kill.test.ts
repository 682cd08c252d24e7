/**
 * `kill -9` of a real process with real threads on a real disk, several times over the same
 * directory: every commit that it said was acknowledged is there, each commit is whole in both
 * families, and the lock of the dead process is taken over.
 *
 * When the process dies is up to the machine; what is checked does not depend on it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { open } from '@manifold-db/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MODES } from './support/modes.js';
import { randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261204);
const LIMIT_MS = 60_000;
const ROUNDS = 3;
const LINES_MAX = 300;
const DELETE_EVERY = 7;
const IN_FLIGHT = 8;
const child = fileURLToPath(new URL('support/kill-child.mjs', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'manifold-kill-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Runs the writer until it has acknowledged some commits, and kills it. What it acknowledged. */
async function writeAndKill(mode: string, first: number, lines: number): Promise<number[]> {
  const writer = spawn(process.execPath, [child, directory, mode, String(first)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The costly checks would make it slow; other tests run with them.
    env: { ...process.env, MANIFOLD_CHECKS: '0' },
  });
  let output = '';
  let errors = '';
  writer.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  writer.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > lines) writer.kill('SIGKILL');
  });
  const [, signal] = (await once(writer, 'close')) as [number | null, string | null];
  expect(signal, errors).toBe('SIGKILL');
  // The last line may be cut off.
  return output
    .slice(0, output.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map(Number);
}

async function expectAll(acknowledged: ReadonlySet<number>): Promise<number> {
  const db = await open(directory);
  const left = db.columnFamily('left');
  const right = db.columnFamily('right');
  let highest = 0;
  for (const [key, value] of right.entries()) {
    const i = Number(key.slice('key-'.length));
    highest = Math.max(highest, i);
    expect(value.startsWith(`value-${i}`), key).toBe(true);
    const isDeleted = i % DELETE_EVERY === 0;
    if (!isDeleted) expect(left.get(key), `${key}, whole or absent`).toBe(value);
  }
  for (const i of acknowledged) expect(right.has(`key-${i}`), `commit of key-${i}`).toBe(true);
  for (const key of left.keys()) expect(right.has(key), key).toBe(true);
  await db.close();
  return highest;
}

describe.each(MODES)(`a writer that is killed, %s, seed ${SEED}`, (mode) => {
  it('loses nothing it acknowledged', { timeout: LIMIT_MS }, async () => {
    const random = randomFrom(SEED);
    const acknowledged = new Set<number>();
    let first = 1;
    for (let round = 0; round < ROUNDS; round++) {
      const lines = 1 + Math.floor(random() * LINES_MAX);
      for (const i of await writeAndKill(mode, first, lines)) acknowledged.add(i);
      expect(acknowledged.size).toBeGreaterThan(0);
      // Also after a second kill right behind the first: every other round looks.
      if (round % 2 === 0) first = (await expectAll(acknowledged)) + 1;
      else first = Math.max(...acknowledged) + 100 * IN_FLIGHT;
    }
  });
});

/**
 * The command as it is run: with --json one object on stdout and nothing else. Needs the packages
 * of the benchmark, which only the benchmark's own install brings.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES } from '../src/arguments.js';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const MAIN = join(BENCH, 'dist/main.js');
const isInstalled = existsSync(join(BENCH, 'node_modules/lmdb/package.json'));
const TIMEOUT_MS = 180_000;

function run(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

describe.skipIf(!isInstalled)('the benchmark command', () => {
  let directory = '';

  beforeAll(() => {
    const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const built = spawnSync(process.execPath, [compiler, '-b', BENCH], { encoding: 'utf8' });
    expect(built.stdout).toBe('');
    directory = mkdtempSync(join(tmpdir(), 'manifold-bench-test-'));
  }, TIMEOUT_MS);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it(
    'measures the ladder, prints JSON alone, and leaves no database behind',
    () => {
      const restricted = ['--batch', '10', '--added', '0,200', '--mode', 'sequential,pipelined'];
      const output = run('ladder', '--quick', '--json', '--dir', directory, ...restricted);
      expect(output.stderr).toContain('round 1/1');
      expect(output.status).toBe(0);
      const report = JSON.parse(output.stdout);
      expect(report).toMatchObject({ suite: 'ladder', machine: { cores: expect.any(Number) } });
      expect(report.runs).toHaveLength(4);
      for (const row of report.runs) {
        expect(row).toMatchObject({ engine: 'manifold', workload: 'seed', inFlight: 8 });
        const figures = ['opsPerSecond', 'commitsPerSecond', 'syncs', 'p50Us', 'p99Us', 'buildUs'];
        const others = ['appendUs', 'syncUs', 'applyUs', 'idealOpsPerSecond', 'efficiency'];
        for (const name of [...figures, ...others]) expect(row[name], name).toBeGreaterThan(0);
        expect(row.syncUs).toBeGreaterThan(row.addedSyncLatencyUs);
        expect(row.peakRssBytes).toBeGreaterThan(2 ** 20);
      }
      expect(report.ratios.map((ratio: { what: string }) => ratio.what)).toEqual([
        'pipelined / sequential',
        'pipelined / sequential',
      ]);
      expect(readdirSync(directory)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  function measured(...args: string[]) {
    const output = run(...args, '--quick', '--json', '--dir', directory);
    expect(output.stderr).toContain('round 1/1');
    expect(output.status).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
    return JSON.parse(output.stdout);
  }

  const HEAD = {
    version: expect.any(String),
    options: expect.any(Object),
    inForce: expect.stringContaining('survives'),
    rounds: 1,
  };

  it(
    'loads every engine that is there, and names those that are not',
    () => {
      const report = measured('load', '--count', '500');
      const engines = report.runs.map((row: { engine: string }) => row.engine);
      const skipped = report.skipped.map((one: { engine: string }) => one.engine);
      expect([...engines, ...skipped].toSorted()).toEqual([...ENGINES].toSorted());
      expect(engines).toContain('manifold');
      for (const row of report.runs) {
        expect(row).toMatchObject({ ...HEAD, durability: 'immediate', entries: 500 });
        expect(row.series.length).toBeGreaterThan(0);
        expect(row.entriesPerSecond).toBeGreaterThan(0);
      }
      expect(report.ratios).toHaveLength(engines.length - 1);
    },
    TIMEOUT_MS,
  );

  it(
    'has the seed in every durability, length and order',
    () => {
      const few = ['--count', '1', '--batch', '5', '--engine', 'manifold,lmdb'];
      const report = measured('seed', ...few);
      for (const row of report.runs) expect(row).toMatchObject({ batchOps: 5, inFlight: 8 });
      const names = report.runs.map((row: Record<string, string>) => {
        return [row['mode'], row['durability'], row['phase'], row['workload']].join(', ');
      });
      for (const mode of ['buffered', 'default']) {
        for (const durability of ['immediate', 'async']) {
          for (const phase of ['burst', 'sustained']) {
            expect(names).toContain(`${mode}, ${durability}, ${phase}, seed, ascending keys`);
          }
        }
      }
      const whats = report.ratios.map((ratio: { what: string }) => ratio.what);
      expect(whats.filter((what: string) => what === 'buffered / pipelined')).toHaveLength(2);
      expect(whats.filter((what: string) => what === 'buffered / lmdb')).toHaveLength(4);
    },
    TIMEOUT_MS,
  );

  it(
    'has commits beside a bare sync, and many at a time',
    () => {
      const report = measured('commits', '--duration', '10', '--engine', 'manifold');
      const rows = report.runs.map((row: Record<string, unknown>) => [row['kind'], row['depth']]);
      const deep = [16, 256, 4096].map((depth) => ['put', depth]);
      expect(rows).toEqual([['bare', 1], ['put', 1], ['writeSync', 1], ...deep]);
      const [, put] = report.runs;
      expect(put.p50AboveBareUs).toBeCloseTo(put.p50Us - put.bareP50Us, 0);
      expect(put.p999Us).toBeGreaterThanOrEqual(put.p99Us);
    },
    TIMEOUT_MS,
  );

  it(
    'reads the same bytes from all, with the write buffer empty and half full',
    () => {
      const report = measured('read', '--count', '300', '--engine', 'manifold,lmdb');
      const kinds = report.runs.map((row: Record<string, unknown>) => row['kind']);
      expect(kinds).toContain('getBinaryFast');
      const half = report.runs.filter((row: Record<string, unknown>) => row['writeBufferStart']);
      expect(half).toHaveLength(3);
      for (const { writeBufferStart, writeBufferEnd } of half) {
        for (const state of [writeBufferStart, writeBufferEnd]) {
          expect(state).toMatchObject({ sealedCount: 2, count: 4 });
          expect(state.fillBytes / state.capacityBytes).toBeGreaterThanOrEqual(2.5 / 4);
        }
      }
    },
    TIMEOUT_MS,
  );

  it.each([
    ['scan', ['--count', '300', '--engine', 'manifold,lmdb'], 6],
    ['mixed', ['--count', '300', '--duration', '5', '--engine', 'manifold,lmdb'], 12],
    ['large', ['--count', '2000', '--engine', 'manifold'], 4],
    ['open', ['--count', '200', '--engine', 'manifold'], 2],
    ['recovery', ['--count', '500'], 2],
  ])(
    'measures %s',
    (suite, args, count) => {
      const report = measured(suite, ...args);
      expect(report).toMatchObject({ suite, skipped: [] });
      expect(report.runs).toHaveLength(count);
      for (const row of report.runs)
        expect(row).toMatchObject({ ...HEAD, inForce: expect.any(String) });
    },
    TIMEOUT_MS,
  );

  it('names what is wrong with its arguments', () => {
    const output = run('ladder', '--mode', 'fastest');
    expect(output.status).toBe(2);
    expect(output.stdout).toBe('');
    expect(output.stderr).toContain("not 'fastest'");
  });
});

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

  it('names what is wrong with its arguments', () => {
    const output = run('ladder', '--mode', 'fastest');
    expect(output.status).toBe(2);
    expect(output.stdout).toBe('');
    expect(output.stderr).toContain("not 'fastest'");
  });
});

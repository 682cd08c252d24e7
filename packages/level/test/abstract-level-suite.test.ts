/**
 * Someone else's tests: the whole suite that `abstract-level` ships, unchanged, passes in both ways
 * of building a commit. It is written for tape, and runs in a process of its own for each mode.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { readTap, type TapReport } from './support/tap.js';

const CHILD = fileURLToPath(new URL('suite-child.mjs', import.meta.url));
const LIMIT_MS = 280_000;

/** As many as the suite of abstract-level 3.1.1 has; a later one has hardly less. */
const TESTS_MIN = 1_500;
const ASSERTIONS_MIN = 5_000;

interface SuiteRun {
  readonly code: number | null;
  readonly report: TapReport;
  readonly stderr: string;
}

function runSuite(mode: string): Promise<SuiteRun> {
  // As a user's program: without the costly checks of the tests.
  const env = { ...process.env, MANIFOLD_CHECKS: '' };
  const child = spawn(process.execPath, [CHILD, mode], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, report: readTap(stdout), stderr }));
  });
}

it.concurrent.each(['buffered', 'pipelined'])(
  'all of it passes, mode %s',
  async (mode) => {
    const { code, report, stderr } = await runSuite(mode);
    expect(report.failures, stderr).toEqual([]);
    expect(report.excluded, 'skipped, or still to be done').toEqual([]);
    expect(report.passed).toBe(report.planned);
    expect(report.tests).toBeGreaterThanOrEqual(TESTS_MIN);
    expect(report.passed).toBeGreaterThanOrEqual(ASSERTIONS_MIN);
    expect(code, stderr).toBe(0);
    console.log(`abstract-level, ${mode}: ${report.tests} tests, ${report.passed} assertions`);
  },
  LIMIT_MS,
);

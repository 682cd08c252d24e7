/**
 * Someone else's tests: the whole suite that `abstract-level` ships, unchanged, passes in both ways
 * of building a commit. It is written for tape, and runs in a process of its own for each mode.
 */
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import { runChild } from './support/child-run.js';
import { readTap } from './support/tap.js';

const CHILD = fileURLToPath(new URL('suite-child.mjs', import.meta.url));
const CHILD_LIMIT_MS = 560_000;
const LIMIT_MS = 580_000;

/** As many as the suite of abstract-level 3.1.1 has; a later one has hardly less. */
const TESTS_MIN = 1_500;
const ASSERTIONS_MIN = 5_000;

it.concurrent.for(['buffered', 'pipelined'])(
  'all of it passes, mode %s',
  { timeout: LIMIT_MS },
  async (mode, context) => {
    const { expect } = context;
    // As a user's program: without the costly checks of the tests.
    const env = { ...process.env, MANIFOLD_CHECKS: '' };
    const child = await runChild(context, { args: [CHILD, mode], env, limitMs: CHILD_LIMIT_MS });
    const report = readTap(child.stdout);
    expect(report.failures, child.story).toEqual([]);
    expect(report.excluded, 'skipped, or still to be done').toEqual([]);
    expect(report.passed).toBe(report.planned);
    expect(report.tests).toBeGreaterThanOrEqual(TESTS_MIN);
    expect(report.passed).toBeGreaterThanOrEqual(ASSERTIONS_MIN);
    expect(child.ending, child.story).toBe('exit code 0');
    console.log(`abstract-level, ${mode}: ${report.tests} tests, ${report.passed} assertions`);
  },
);

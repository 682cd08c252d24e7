/**
 * Runs the checks and all tests, and ends with the plain line `N passed, N failed`. A check
 * counts as one test; so does a test file that could not be loaded, or a run that broke off.
 *
 * usage: scripts/test [arguments of vitest]   (with arguments, only those tests and no checks)
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { runChecks } from './check.mjs';
import { countTests } from './count-tests.mjs';

function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-test-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const command = [vitest, 'run', ...reporters, ...args];
    const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' });
    const counts = countTests(JSON.parse(readFileSync(file, 'utf8')));
    // Errors outside any test, such as an unhandled rejection, show in the exit code alone.
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } catch (error) {
    process.stdout.write(`the test run broke off: ${error.message}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const checks = args.length === 0 ? runChecks() : { passed: 0, failed: 0 };
const tests = runTests(args);
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
if (tests.skipped > 0) process.stdout.write(`${tests.skipped} skipped\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

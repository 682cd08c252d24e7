/**
 * Runs the checks and all tests, and ends with the plain line `N passed, N failed`. A check
 * counts as one test; so does a test file that could not be loaded, or a run that broke off.
 *
 * usage: scripts/test [arguments of vitest]   (with arguments, only those tests and no checks)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './bootstrap.mjs';
import { runChecks } from './check.mjs';
import { countTests } from './count-tests.mjs';

/** As a process group of its own, which can be killed as a whole: by `hung-files.mjs`, or here. */
async function runVitest(args) {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit', detached: true });
  const killGroup = () => process.kill(-child.pid, 'SIGKILL');
  process.on('SIGINT', killGroup).on('SIGTERM', killGroup);
  const [status] = await once(child, 'exit');
  process.off('SIGINT', killGroup).off('SIGTERM', killGroup);
  return status;
}

async function runTests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'manifold-test-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const hungFiles = join(ROOT, 'scripts/lib/hung-files.mjs');
    const reporters = ['default', 'json', hungFiles].map((name) => `--reporter=${name}`);
    const output = `--outputFile.json=${file}`;
    const status = await runVitest([vitest, 'run', ...reporters, output, ...args]);
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
const tests = await runTests(args);
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
if (tests.skipped > 0) process.stdout.write(`${tests.skipped} skipped\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

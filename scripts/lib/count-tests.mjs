/**
 * Passed, failed and skipped tests of vitest's JSON report. A file that failed without a failed
 * test (it could not be loaded, or a hook failed) counts as one failed test.
 */
export function countTests(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report.testResults ?? []) {
    const tests = file.assertionResults ?? [];
    const failed = tests.filter((test) => test.status === 'failed').length;
    const passed = tests.filter((test) => test.status === 'passed').length;
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += tests.length - passed - failed;
    if (file.status === 'failed' && failed === 0) counts.failed += 1;
  }
  return counts;
}

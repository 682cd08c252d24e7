/**
 * The repository's own checks find what they are there to find.
 */
import { describe, expect, it, vi } from 'vitest';
import { countTests } from './count-tests.mjs';
import HungFiles from './hung-files.mjs';
import { nativeAddonFindingsIn } from './native-addons.mjs';
import { findingsInText } from './repository-rules.mjs';

describe('native addons', () => {
  const lockOf = (dependencies, packages) => {
    return { packages: { 'packages/core': dependencies, ...packages } };
  };

  it.each([
    ['with an install script', { hasInstallScript: true }],
    ['for one processor', { cpu: ['x64'] }],
    ['that a build tool loads', { dependencies: { 'node-gyp-build': '1' } }],
  ])('are found %s, also behind other packages', (_what, addon) => {
    const packages = {
      'node_modules/middle': { dependencies: { addon: '1' } },
      'node_modules/middle/node_modules/addon': addon,
      'node_modules/addon': {},
    };
    const found = nativeAddonFindingsIn(lockOf({ dependencies: { middle: '1' } }, packages));
    expect(found).toEqual(['middle depends on the native addon addon']);
  });

  it('are allowed as dev dependencies and as the known optional accelerators', () => {
    const packages = {
      'node_modules/lmdb': { hasInstallScript: true },
      'node_modules/msgpackr': { optionalDependencies: { 'msgpackr-extract': '1' } },
      'node_modules/msgpackr-extract': { hasInstallScript: true },
    };
    const core = { dependencies: { msgpackr: '1' }, devDependencies: { lmdb: '1' } };
    expect(nativeAddonFindingsIn(lockOf(core, packages))).toEqual([]);
    const direct = { dependencies: { 'msgpackr-extract': '1' } };
    expect(nativeAddonFindingsIn(lockOf(direct, packages))).toHaveLength(1);
  });
});

describe('repository rules', () => {
  it('find machine paths, registry hosts and long lines', () => {
    const lines = [
      `const a = '/${'work'}/main';`,
      `see /tmp/${'manifold'}/x`,
      `https://registry.${'npmjs'}.org/x`,
      `"resolved": "${'https'}://example.org/x.tgz"`,
      'x'.repeat(101),
      'y'.repeat(100),
      'packages/work/x is no machine path',
    ];
    expect(findingsInText('a.ts', lines.join('\n'))).toEqual([
      'a.ts:1: a machine path',
      'a.ts:2: a machine path',
      'a.ts:3: a registry host',
      'a.ts:4: a registry address',
      'a.ts:5: 101 columns (max. 100)',
    ]);
    expect(findingsInText('a.md', 'x'.repeat(101))).toEqual([]);
  });
});

describe('counting tests', () => {
  it('counts a file that could not be loaded as a failure', () => {
    const test = (status) => ({ status });
    const testResults = [
      { status: 'passed', assertionResults: [test('passed'), test('skipped')] },
      { status: 'failed', assertionResults: [test('passed'), test('failed')] },
      { status: 'failed', assertionResults: [] },
    ];
    expect(countTests({ testResults })).toEqual({ passed: 2, failed: 2, skipped: 1 });
    expect(countTests({})).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('a test file that hangs', () => {
  const module = { moduleId: 'hangs.test.ts' };
  const hour = 3_600_000;

  it('ends the run', () => {
    const endRun = vi.fn();
    const hung = new HungFiles({ endRun });
    hung.onTestModuleStart(module);
    hung.onTestCaseReady({ module, fullName: 'waits for ever' });
    hung.look(Date.now());
    expect(endRun).not.toHaveBeenCalled();
    hung.look(Date.now() + hour);
    expect(endRun).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining('hangs.test.ts: waits for ever'),
    );
  });

  it('is none that has ended', () => {
    const endRun = vi.fn();
    const hung = new HungFiles({ endRun });
    hung.onTestModuleStart(module);
    hung.onTestModuleEnd(module);
    hung.look(Date.now() + hour);
    expect(endRun).not.toHaveBeenCalled();
  });
});

/**
 * The repository's checks that are not tests. Each prints nothing when it holds. All of them run,
 * whatever the first ones found; the exit code is 1 when any failed.
 *
 * `runChecks` is also called by the test command, which counts each check as one test.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './bootstrap.mjs';
import { nativeAddonFindings } from './native-addons.mjs';
import { repositoryFindings } from './repository-rules.mjs';

/** Runs a program of node_modules; returns what it printed if it failed, else nothing. */
function tool(entry, args) {
  const command = [join(ROOT, 'node_modules', entry), ...args];
  const result = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
  if (result.error) return [`${entry}: ${result.error.message}`];
  if (result.status === 0) return [];
  const output = `${result.stdout}${result.stderr}`.trim();
  return [output === '' ? `${entry} ended with exit code ${result.status}` : output];
}

function importDirection() {
  const folders = ['packages', 'bench/src', 'bench/test'].filter((path) => {
    return existsSync(join(ROOT, path));
  });
  const config = ['--config', '.dependency-cruiser.cjs', '--output-type', 'err'];
  return tool('dependency-cruiser/bin/dependency-cruise.mjs', [...config, ...folders]);
}

function typesOfTests() {
  const findings = tool('typescript/bin/tsc', ['-p', 'tsconfig.test.json']);
  const bench = ['bench/tsconfig.json', 'bench/node_modules'].every((path) => {
    return existsSync(join(ROOT, path));
  });
  if (bench) findings.push(...tool('typescript/bin/tsc', ['-b', 'bench']));
  return findings;
}

const CHECKS = [
  ['lint', () => tool('oxlint/bin/oxlint', ['--quiet'])],
  ['format', () => tool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.'])],
  ['import direction', importDirection],
  ['types of sources', () => tool('typescript/bin/tsc', ['-b'])],
  ['types of tests', typesOfTests],
  ['repository rules', () => repositoryFindings(ROOT)],
  ['no native addons', () => nativeAddonFindings(ROOT)],
];

/** Runs every check, prints one line for each and what it found; returns the two counts. */
export function runChecks() {
  const counts = { passed: 0, failed: 0 };
  for (const [name, check] of CHECKS) {
    const findings = check();
    const ok = findings.length === 0;
    counts[ok ? 'passed' : 'failed'] += 1;
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name}\n`);
    for (const finding of findings) process.stdout.write(`${finding}\n`);
  }
  return counts;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = runChecks().failed === 0 ? 0 : 1;
}

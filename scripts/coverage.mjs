/**
 * `npm run coverage [options]`: branch coverage of log, ring, page manager and recovery by the
 * tests that work on them. Fails when an area is below its share, when a branch is neither taken
 * nor listed with a reason (`lib/coverage-exceptions.mjs`), and when the list is out of date.
 *
 * options
 *   --only text    only tests whose path contains the text; what they do not take is listed only
 *   --keep         leaves V8's reports in `coverage/`
 *   --from folder  no tests: reads the reports that an earlier run kept
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, fail, install, ROOT } from './lib/bootstrap.mjs';
import { AREAS, SHARE_MIN, TESTS, areaOf } from './lib/coverage-areas.mjs';
import { EXCEPTIONS } from './lib/coverage-exceptions.mjs';

const FOLDER = join(ROOT, 'coverage');
const VITEST = 'node_modules/vitest/vitest.mjs';

/** False when a test failed: its branches are printed all the same. */
function runTests(only) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  const tests = only === undefined ? TESTS : [only];
  const config = 'scripts/lib/coverage-vitest.config.mjs';
  // Workers load their modules one by one, so that they are counted like everyone else's.
  const env = { ...process.env, NODE_V8_COVERAGE: FOLDER, MANIFOLD_UNBUNDLED: '1' };
  const args = [VITEST, 'run', '--config', config, ...tests];
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env });
  spawnSync(process.execPath, ['scripts/lib/bundle-workers.mjs'], { cwd: ROOT, stdio: 'inherit' });
  return status === 0;
}

function percent(taken, all) {
  return all === 0 ? '  100.0' : ((100 * taken) / all).toFixed(1).padStart(7);
}

function row(name, branches, withLines) {
  const taken = branches.filter(({ count }) => count > 0).length;
  const open = branches.filter(({ count }) => count === 0);
  const lines = [...new Set(open.map(({ line }) => line))].join(', ');
  const figures = `${String(taken).padStart(6)} of ${String(branches.length).padEnd(6)}`;
  const places = withLines ? lines : '';
  return `${name.padEnd(62)}${figures}${percent(taken, branches.length)} %  ${places}`.trimEnd();
}

/** Prints one table; returns the areas that are below their share. */
function printAreas(files) {
  const below = [];
  for (const area of Object.keys(AREAS)) {
    const own = [...files].filter(([path]) => areaOf(path) === area);
    const all = own.flatMap(([, branches]) => branches);
    process.stdout.write(`\n${row(area.toUpperCase(), all, false)}\n`);
    for (const [path, branches] of own)
      process.stdout.write(`${row(`  ${path}`, branches, true)}\n`);
    const taken = all.filter(({ count }) => count > 0).length;
    if (taken < SHARE_MIN * all.length) below.push(area);
  }
  return below;
}

/** Branches that are not taken, by file and text of the line: how many, and where. */
function openBranches(files) {
  const open = new Map();
  for (const [path, branches] of files) {
    const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
    for (const { line, count, kind } of branches) {
      if (count > 0) continue;
      const text = lines[line - 1].trim();
      const key = `${path}\n${text}`;
      const entry = open.get(key) ?? { path, text, count: 0, places: [] };
      entry.count++;
      entry.places.push(`${line} (${kind})`);
      open.set(key, entry);
    }
  }
  return open;
}

function compareWithList(files) {
  const open = openBranches(files);
  const problems = [];
  for (const { path, text, count = 1, isChance = false, reason } of EXCEPTIONS) {
    const key = `${path}\n${text}`;
    const found = open.get(key)?.count ?? 0;
    open.delete(key);
    const place = `${path}: ${text}`;
    if (found < count && !isChance) problems.push(`no exception any more: ${place}`);
    if (found > count) problems.push(`${found} branches, ${count} are listed: ${place}`);
    if (found > 0) process.stdout.write(`  ${place}\n      ${found} not taken: ${reason}\n`);
  }
  for (const { path, text, places } of open.values()) {
    problems.push(`not taken, not listed: ${path}:${places.join(', ')}: ${text}`);
  }
  return problems;
}

const text = { type: 'string' };
const options = { only: text, from: text, keep: { type: 'boolean' } };
const { values } = parseArgs({ options });
let havePassed = true;
if (values.from === undefined) {
  install(ROOT);
  build();
  havePassed = runTests(values.only);
}
// Not before: the packages it needs may have just been installed.
const { readBranches } = await import('./lib/coverage-branches.mjs');
const files = await readBranches(resolve(values.from ?? FOLDER));
if (values.from === undefined && values.keep !== true) {
  rmSync(FOLDER, { recursive: true, force: true });
}
const below = printAreas(files);
process.stdout.write('\nlisted with a reason:\n');
const problems = compareWithList(files);
for (const problem of problems) process.stdout.write(`${problem}\n`);
for (const area of below) process.stdout.write(`below ${100 * SHARE_MIN} %: ${area}\n`);
if (!havePassed) fail('the tests failed');
if (values.only === undefined && problems.length + below.length > 0) process.exit(1);

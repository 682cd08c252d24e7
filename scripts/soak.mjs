/**
 * `npm run soak -- <name> [options]`: a proof in its large size. The same test file as in
 * `scripts/test`, with another count.
 *
 * options
 *   --minutes n    for n minutes, whatever the count
 *   --count n      this many
 *   --seed n       another seed
 *   --case text    this case only: what a failure printed
 *   --small        the size of `scripts/test`
 *   --report file  appends the figures to the file, one line of JSON
 *   --jobs n       the cases are shared among n processes (`simulation`)
 */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, fail, install, ROOT } from './lib/bootstrap.mjs';

const TESTS = ['packages/core/test', 'packages/cli/test'];
const FILE_NAME = /^proof-(.+)\.test\.ts$/;

/** The test file of every proof by its name. */
function findProofs() {
  const found = new Map();
  for (const directory of TESTS) {
    for (const file of readdirSync(join(ROOT, directory))) {
      const name = FILE_NAME.exec(file)?.[1];
      if (name !== undefined) found.set(name, `${directory}/${file}`);
    }
  }
  return found;
}

function parse() {
  const text = { type: 'string' };
  const options = { minutes: text, count: text, seed: text, case: text, report: text, jobs: text };
  try {
    return parseArgs({
      options: { ...options, small: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    return fail(error.message);
  }
}

function numberOf(name, text) {
  const value = Number(text);
  if (!(value > 0)) fail(`--${name}: a number above zero is expected, not ${text}`);
  return String(value);
}

const { values, positionals } = parse();
const proofs = findProofs();
const test = proofs.get(positionals[0]);
if (positionals.length !== 1 || test === undefined) {
  const names = [...proofs.keys()].sort().join(', ');
  fail(`usage: npm run soak -- <name> [--minutes n]; the names are ${names}`);
}
const env = { ...process.env, MANIFOLD_CHECKS: '1' };
env.MANIFOLD_PROOF_SIZE = values.small === true ? 'small' : 'large';
for (const key of ['minutes', 'count']) {
  const text = values[key];
  if (text !== undefined) env[`MANIFOLD_PROOF_${key.toUpperCase()}`] = numberOf(key, text);
}
if (values.seed !== undefined) env.MANIFOLD_SEED = values.seed;
if (values.case !== undefined) env.MANIFOLD_PROOF_CASE = values.case;
install(ROOT);
build();
const jobs = values.jobs === undefined ? 1 : Number(numberOf('jobs', values.jobs));
process.exitCode = await (jobs === 1 ? runAlone() : runShared(jobs));

function runAlone() {
  const report =
    values.report === undefined ? {} : { MANIFOLD_PROOF_REPORT: resolve(values.report) };
  return run(report);
}

/** Each process reports to a file of its own; their figures are added up. */
async function runShared(count) {
  const directory = mkdtempSync(join(tmpdir(), 'manifold-soak-'));
  try {
    const files = Array.from({ length: count }, (_, i) => join(directory, `${i}.json`));
    const exits = files.map((file, i) =>
      run({ MANIFOLD_PROOF_REPORT: file, MANIFOLD_PROOF_SHARE: `${i}/${count}` }),
    );
    const codes = await Promise.all(exits);
    const lines = files.filter(existsSync).map((file) => JSON.parse(readFileSync(file, 'utf8')));
    if (lines.length === count) tell(lines.reduce(addFigures));
    return Math.max(...codes);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function addFigures(a, b) {
  const sum = { ...a };
  for (const [name, value] of Object.entries(b)) {
    if (name === 'seconds') sum[name] = Math.max(a[name], value);
    else if (typeof value === 'number' && name !== 'seed') sum[name] = (a[name] ?? 0) + value;
  }
  return sum;
}

function tell(figures) {
  const line = JSON.stringify(figures);
  process.stdout.write(`proof ${line}\n`);
  if (values.report !== undefined) appendFileSync(resolve(values.report), `${line}\n`);
}

/** Resolves with the exit code. */
function run(more) {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const options = { cwd: ROOT, env: { ...env, ...more }, stdio: 'inherit' };
  const child = spawn(process.execPath, [vitest, 'run', test], options);
  return new Promise((done) => {
    child.once('exit', (code) => done(code ?? 1));
  });
}

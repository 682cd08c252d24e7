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
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
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
  const options = { minutes: text, count: text, seed: text, case: text, report: text };
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
const [name] = positionals;
const file = proofs.get(name);
if (positionals.length !== 1 || file === undefined) {
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
if (values.report !== undefined) env.MANIFOLD_PROOF_REPORT = resolve(values.report);
install(ROOT);
build();
const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
const args = [vitest, 'run', file];
const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
process.exitCode = status ?? 1;

/**
 * `node scripts/reliability.mjs <report>...`: puts the figures of the newest runs into the table of
 * `docs/RELIABILITY.md`. The reports are what proofs append with `--report` (`npm run soak`), or
 * with MANIFOLD_PROOF_REPORT set for `scripts/test`. A size without a run among them loses its row:
 * the table says what was run, not what was run once.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, fail } from './lib/bootstrap.mjs';

const PAGE = join(ROOT, 'docs/RELIABILITY.md');
const BEGIN = '<!-- figures: begin -->';
const END = '<!-- figures: end -->';
const SIZES = ['small', 'large'];

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const show = (value) => (typeof value === 'number' ? whole.format(value) : value);

/** `namedPoints` as it is read: `named points`. */
function words(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, (_, before, letter) => {
    return `${before} ${letter.toLowerCase()}`;
  });
}

/** The newest run of each proof in each size: reports are appended to. */
function newestRuns(files) {
  const runs = new Map();
  for (const file of files) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line === '') continue;
      const run = JSON.parse(line);
      runs.set(`${run.proof} ${run.size}`, run);
    }
  }
  return runs;
}

function rowOf(run) {
  const { proof, size, done, unit, seconds, seed, ...others } = run;
  const beside = Object.entries(others).map(([name, value]) => `${words(name)} ${show(value)}`);
  const command = `npm run soak -- ${proof}${size === 'small' ? ' --small' : ''} --seed ${seed}`;
  const found = [`${show(done)} ${unit}`, ...beside].join(', ');
  return `| ${proof}, ${size} | ${found} | ${show(seconds)} s | \`${command}\` |`;
}

const files = process.argv.slice(2);
if (files.length === 0) fail('usage: node scripts/reliability.mjs <report>...');
const runs = newestRuns(files);
const proofs = [...new Set([...runs.values()].map(({ proof }) => proof))].sort();
const rows = proofs.flatMap((proof) => {
  return SIZES.flatMap((size) => runs.get(`${proof} ${size}`) ?? []).map(rowOf);
});
const page = readFileSync(PAGE, 'utf8');
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin < 0 || end < begin) fail(`${PAGE} has no place for the figures`);
const table = ['| proof | what the last run did | took | again |', '|---|---|---|---|', ...rows];
const before = page.slice(0, begin + BEGIN.length);
writeFileSync(PAGE, `${before}\n\n${table.join('\n')}\n\n${page.slice(end)}`);

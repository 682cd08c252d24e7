/**
 * Puts the entry module of each worker and everything it imports into one file, `dist/worker.js`.
 * A thread that has to find, read and link 150 modules starts several times slower, and every
 * opening of a database starts two or more. Runs after the compiler: by `npm run build`, by the
 * scripts of this folder and before every test run.
 *
 * usage: node scripts/lib/bundle-workers.mjs
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const WORKERS = ['wal-worker', 'apply-worker'];

/** For `npm run coverage`: what V8 counts shall refer to the modules that the compiler wrote. */
const IS_UNBUNDLED = process.env['MANIFOLD_UNBUNDLED'] === '1';

async function bundledCode(worker, dist) {
  const build = await rolldown({ input: join(dist, 'main.js'), platform: 'node' });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  if (output.length !== 1) throw new Error(`${worker}: one file is expected`);
  return output[0].code;
}

async function bundle(worker) {
  const dist = join(ROOT, 'packages', worker, 'dist');
  const path = join(dist, 'worker.js');
  const code = IS_UNBUNDLED ? "import './main.js';\n" : await bundledCode(worker, dist);
  if (existsSync(path) && readFileSync(path, 'utf8') === code) return;
  // A thread that starts meanwhile must not read half of it.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, path);
}

/** Also what vitest calls before its first test. */
export default async function bundleWorkers() {
  await Promise.all(WORKERS.map(bundle));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await bundleWorkers();
}

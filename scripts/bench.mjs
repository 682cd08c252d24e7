/**
 * `npm run -s bench -- <suite> [--json]`: installs and builds what is missing, then measures.
 * stdout carries nothing but what the benchmark itself prints.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, buildNative, fail, install, ROOT } from './lib/bootstrap.mjs';

const bench = join(ROOT, 'bench');
if (!existsSync(join(bench, 'package.json'))) fail(`${bench} is missing; restore it from git`);
install(ROOT);
install(bench);
// The other peers bring their binaries with them.
buildNative(bench, 'better-sqlite3', 'build/Release/better_sqlite3.node');
build();
build('bench');

const main = join(bench, 'dist/main.js');
const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
// A signal sent to the terminal reaches the child as well; it decides, and this one follows it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(`cannot start ${main}: ${error.message}`));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});

/**
 * Brings a clone to the point where its programs run: installs what is not installed, builds what
 * is not built. Needs Node and npm only. Everything it prints goes to stderr.
 *
 * usage: node scripts/lib/bootstrap.mjs [folder with its own package-lock.json]...
 *
 * 1. A folder counts as installed when the stamp in its node_modules equals the hash of its lock
 *    file. The stamp is written last, so an install that was killed is done again.
 * 2. A stamp that is missing or old is renewed without an install when what npm recorded after
 *    its own last complete install agrees with the lock file.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const NODE_MINIMUM = [20, 15];

/**
 * Not `npm ci`: it refuses a lock file without the binaries of other platforms, and a registry
 * mirror need not carry those. `--no-save` leaves the lock file, which is followed, as it is.
 */
const INSTALL = ['install', '--no-save', '--ignore-scripts', '--no-fund', '--no-audit'];

const BUNDLER = join(ROOT, 'scripts/lib/bundle-workers.mjs');

const STAMP_NAME = '.manifold-installed';

/** Ends the program with one line; for conditions the user can mend. */
export function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

/** Runs a program with its output on stderr; ends this one when it fails. */
export function must(command, args, cwd, mend) {
  const shell = process.platform === 'win32';
  const result = spawnSync(command, args, { cwd, shell, stdio: ['ignore', 2, 2] });
  const ran = `${command} ${args.join(' ')}`;
  if (result.error) fail(`${ran}: ${result.error.message}. ${mend}`);
  if (result.status === 0) return;
  fail(`${ran} ended with ${result.signal ?? `exit code ${result.status}`}. ${mend}`);
}

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [majorMinimum, minorMinimum] = NODE_MINIMUM;
  if (major > majorMinimum || (major === majorMinimum && minor >= minorMinimum)) return;
  fail(`Node ${process.versions.node} is too old; install Node ${NODE_MINIMUM.join('.')} or later`);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** True when npm's record of its last complete install holds every package of the lock file. */
function agreesWithLock(folder, lock) {
  const installed = readJson(join(folder, 'node_modules/.package-lock.json'));
  if (installed?.packages === undefined || lock?.packages === undefined) return false;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue;
    const found = installed.packages[path];
    if (found === undefined) {
      if (entry.optional) continue;
      return false;
    }
    if (found.version !== entry.version) return false;
    if (!entry.optional && !existsSync(join(folder, path))) return false;
  }
  return true;
}

/** Installs the packages of one folder, exactly as locked, if they are not there. */
export function install(folder) {
  const lockPath = join(folder, 'package-lock.json');
  if (!existsSync(lockPath)) fail(`${lockPath} is missing; restore it from the repository`);
  const lockText = readFileSync(lockPath);
  const stamp = createHash('sha256')
    .update(lockText)
    .update(`${process.platform} ${process.arch}`)
    .digest('hex');
  const stampPath = join(folder, 'node_modules', STAMP_NAME);
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return;
  if (!agreesWithLock(folder, readJson(lockPath))) {
    process.stderr.write(`installing packages in ${folder}\n`);
    const mend = 'Check the network connection and the free disk space, then try again.';
    // What an install that was killed left behind may look complete to npm.
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
    must('npm', INSTALL, folder, mend);
  }
  writeFileSync(stampPath, stamp);
}

/**
 * Brings the native code of one installed package, which `install` leaves out: by the package's own
 * install script, which downloads or compiles it. A failure ends nothing, and is not tried again
 * with the same versions.
 */
export function buildNative(folder, name, binary) {
  const installed = join(folder, 'node_modules', name);
  if (!existsSync(installed) || existsSync(join(installed, binary))) return;
  const { version } = readJson(join(installed, 'package.json'));
  const failure = `${name} ${version}, node ${process.versions.node}`;
  const failurePath = join(folder, 'node_modules', `.manifold-not-built-${name}`);
  if (existsSync(failurePath) && readFileSync(failurePath, 'utf8') === failure) return;
  process.stderr.write(`building the native code of ${name}; this can take minutes\n`);
  const shell = process.platform === 'win32';
  const options = { cwd: folder, shell, stdio: ['ignore', 2, 2] };
  const { status } = spawnSync('npm', ['rebuild', name], options);
  if (status === 0 && existsSync(join(installed, binary))) return;
  process.stderr.write(`${name} could not be built; to try again, remove ${failurePath}\n`);
  writeFileSync(failurePath, failure);
}

/** Compiles what changed since the last build; quick when nothing did. */
export function build(project = '.') {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const mend = 'Mend the errors above; if there are none, remove node_modules and try again.';
  must(process.execPath, [compiler, '-b', project], ROOT, mend);
  if (project === '.') must(process.execPath, [BUNDLER], ROOT, mend);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  checkNodeVersion();
  install(ROOT);
  for (const folder of process.argv.slice(2)) {
    if (existsSync(join(ROOT, folder, 'package.json'))) install(join(ROOT, folder));
  }
  build();
}

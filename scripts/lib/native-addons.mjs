/**
 * No native addon below packages/: walks what package-lock.json would install for a user of the
 * packages (dependencies and optional dependencies, no dev dependencies) and reports everything
 * that is compiled or that brings a compiled binary. Optional accelerators of a pure JavaScript
 * library are allowed one by one, since the library works without them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `library > its optional native accelerator`: msgpackr decodes, piscina sets thread priority. */
const ALLOWED_OPTIONAL = new Set(['msgpackr > msgpackr-extract', 'piscina > @napi-rs/nice']);

const BUILD_TOOLS = /^(node-gyp|node-gyp-build.*|node-pre-gyp|@mapbox\/node-pre-gyp|prebuild.*)$/;

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

function isNative(entry) {
  if (entry.hasInstallScript || entry.os !== undefined || entry.cpu !== undefined) return true;
  return Object.keys(entry.dependencies ?? {}).some((name) => BUILD_TOOLS.test(name));
}

/** The lock file's path of `name` as seen from `from`, following Node's lookup. */
function locate(packages, from, name) {
  for (let folder = from; ;) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = packages[path];
    if (entry !== undefined) return entry.link ? entry.resolved : path;
    if (folder === '') return undefined;
    const cut = folder.lastIndexOf('/node_modules/');
    folder = cut < 0 ? '' : folder.slice(0, cut);
  }
}

function dependenciesOf(entry) {
  const required = Object.keys(entry.dependencies ?? {}).map((name) => ({ name, optional: false }));
  const optional = Object.keys(entry.optionalDependencies ?? {}).map((name) => {
    return { name, optional: true };
  });
  return [...required, ...optional];
}

/** One line per native package that a user of the packages would get. */
export function nativeAddonFindingsIn(lock) {
  const { packages } = lock;
  const findings = [];
  const seen = new Set();
  const pending = Object.keys(packages).filter((path) => /^packages\/[^/]+$/.test(path));
  while (pending.length > 0) {
    const path = pending.pop();
    if (seen.has(path)) continue;
    seen.add(path);
    const owner = path.includes('node_modules/') ? nameOf(path) : path;
    for (const { name, optional } of dependenciesOf(packages[path])) {
      if (optional && ALLOWED_OPTIONAL.has(`${owner} > ${name}`)) continue;
      const found = locate(packages, path, name);
      if (found === undefined) continue;
      if (isNative(packages[found])) findings.push(`${owner} depends on the native addon ${name}`);
      pending.push(found);
    }
  }
  return findings;
}

export function nativeAddonFindings(root) {
  return nativeAddonFindingsIn(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
}

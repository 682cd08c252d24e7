/**
 * Rules about the text of the repository's files that no other tool checks:
 * 1. no path of one developer's machine and no host name of a package registry in any file;
 * 2. no line longer than 100 columns in code (the formatter leaves strings and comments alone),
 *    rows of tables aside.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const COLUMNS_MAX = 100;
const TEST = /\.test\.ts$/;
/** Tests quote programs and messages whole. */
const LITERAL = /['"`/]/;
/** A row of a table in a comment stays on one line. */
const TABLE_ROW = /^\s*\*\s*\|/;
const CODE = /\.(ts|mts|js|mjs|cjs)$/;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.data']);
const BINARY_BYTE = '\0';

/** Written in pieces, so that this file does not find itself. */
const FORBIDDEN = [
  { what: 'a machine path', pattern: new RegExp(`(?<![\\w.-])/${'work'}/`) },
  { what: 'a machine path', pattern: new RegExp(`/tmp/${'manifold'}\\b`) },
  { what: 'a machine path', pattern: new RegExp(`(?<![\\w.-])/${'home'}/[a-z]`) },
  { what: 'a registry host', pattern: new RegExp(`\\bregistry\\.(${'npmjs'}|yarnpkg)\\.`) },
  { what: 'a registry address', pattern: /"resolved": "https?:/ },
];

function walk(root, folder, found) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name)) walk(root, path, found);
    } else if (entry.isFile()) {
      found.push(path);
    }
  }
  return found;
}

/** The files git knows or would add; every file, outside a git work tree. */
function repositoryFiles(root) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const git = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (git.status !== 0) return walk(root, '', []);
  return git.stdout.split('\0').filter((path) => {
    return path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile();
  });
}

/** One line per broken rule in one file. */
export function findingsInText(path, text) {
  const findings = [];
  const isCode = CODE.test(path);
  for (const [index, line] of text.split('\n').entries()) {
    const place = `${path}:${index + 1}`;
    for (const { what, pattern } of FORBIDDEN) {
      if (pattern.test(line)) findings.push(`${place}: ${what}`);
    }
    const isExempt = TABLE_ROW.test(line) || (TEST.test(path) && LITERAL.test(line));
    const columns = isCode && !isExempt ? [...line].length : 0;
    if (columns > COLUMNS_MAX) findings.push(`${place}: ${columns} columns (max. ${COLUMNS_MAX})`);
  }
  return findings;
}

/** One line per broken rule in the whole repository, with file and line. */
export function repositoryFindings(root) {
  return repositoryFiles(root).flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return text.includes(BINARY_BYTE) ? [] : findingsInText(path, text);
  });
}

/**
 * Whether the models still speak of the code: every name that a model declares is a name of the
 * engine's source, or stands in the table of `model/README.md` that says what it is. What a comment
 * calls `Class.member`, and every file it names, must exist as well.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL_DIRECTORY } from './check.js';

const PACKAGES = join(MODEL_DIRECTORY, '../packages');
const DECLARATIONS = [
  /^\s*#define (\w+)/gm,
  /^(?:bit|byte|mtype|int|bool) (\w+)/gm,
  /^(?:inline|proctype) (\w+)/gm,
];
/** Not of the engine. */
const FOREIGN = new Set(['Atomics']);
const COMMENT = /\/\*[\s\S]*?\*\//g;
/** A name that only a comment has left is none. */
const SOURCE_COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;
const MEMBER = /\b([A-Z]\w+)\.#?([a-z]\w+)/g;
const FILE = /[\w/-]+\.ts\b/g;
/** One or more names, and what they stand for. */
const TABLE_ROW = /^\| (`\w+`(?:, `\w+`)*) +\|(.*)\|$/gm;
const QUOTED = /`#?(\w+)`/g;

interface Source {
  readonly path: string;
  readonly text: string;
}

function engineSources(): Source[] {
  const names = readdirSync(PACKAGES, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => /^[\w-]+\/src\/.*\.ts$/.test(name) && !name.endsWith('.test.ts'))
    .map((path) => ({ path, text: readFileSync(join(PACKAGES, path), 'utf8') }));
}

function matches(pattern: RegExp, text: string): RegExpExecArray[] {
  return [...text.matchAll(pattern)];
}

function declared(text: string): string[] {
  return DECLARATIONS.flatMap((pattern) => matches(pattern, text).map((match) => match[1]!));
}

function commentProblems(name: string, text: string, sources: readonly Source[]): string[] {
  const comments = matches(COMMENT, text).join('\n');
  const files = matches(FILE, comments)
    .map(([file]) => file)
    .filter(
      (file) =>
        !sources.some(
          ({ path }) => `packages/${path}`.endsWith(`/${file}`) || `packages/${path}` === file,
        ),
    );
  const members = matches(MEMBER, comments).filter(([, owner, member]) => {
    if (FOREIGN.has(owner!)) return false;
    const isOwner = new RegExp(`(class|interface) ${owner}\\b|^const ${owner} =`, 'm');
    const isMember = new RegExp(`\\b${member}\\b`);
    return !sources.some((source) => isOwner.test(source.text) && isMember.test(source.text));
  });
  return [...files, ...members.map(([whole]) => whole)].map(
    (reference) => `${name}: the code has no ${reference}`,
  );
}

/** One line per name that means nothing any more. */
export function nameProblems(): string[] {
  const sources = engineSources();
  const words = new Set(
    sources.flatMap(({ text }) => text.replace(SOURCE_COMMENT, '').match(/\w+/g) ?? []),
  );
  const readme = readFileSync(join(MODEL_DIRECTORY, 'README.md'), 'utf8');
  const own = new Map(
    matches(TABLE_ROW, readme).flatMap(([, names, meaning]) =>
      matches(QUOTED, names!).map((name) => [name[1]!, meaning!] as const),
    ),
  );
  const problems: string[] = [];
  const used = new Set<string>();
  for (const file of readdirSync(MODEL_DIRECTORY).filter((name) => name.endsWith('.pml'))) {
    const text = readFileSync(join(MODEL_DIRECTORY, file), 'utf8');
    problems.push(...commentProblems(file, text, sources));
    for (const name of new Set(declared(text))) {
      used.add(name);
      if (words.has(name) || own.has(name) || name.startsWith('BUG_')) continue;
      problems.push(`${file}: ${name} is not a name of the code, nor in the table of README.md`);
    }
  }
  for (const [name, meaning] of own) {
    if (!used.has(name)) problems.push(`README.md: no model has ${name}`);
    if (words.has(name)) problems.push(`README.md: ${name} is a name of the code by now`);
    for (const [, word] of matches(QUOTED, meaning)) {
      if (!words.has(word!)) problems.push(`README.md: the code has no ${word}`);
    }
  }
  return problems;
}

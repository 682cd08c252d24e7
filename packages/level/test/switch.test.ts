/**
 * A program that uses `level` runs unchanged but for one line. The program is the sample of the
 * README; beside this package it runs on memory-level, by the makers of `level`, and prints the
 * same.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Level, ManifoldLevel } from '@manifold-db/level';
import { expect, it, onTestFinished } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LINE = /^import \{ Level \} from '@manifold-db\/level';.*$/m;
const OTHER_LINE = "import { MemoryLevel } from 'memory-level'; const Level = At(MemoryLevel);";
/** memory-level takes no location. */
const AT = 'function At(Base) { return class { constructor(_, o) { return new Base(o); } }; }\n';

function sample(): string {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  return /```js sample\n([\s\S]*?)```/.exec(readme)![1]!;
}

function run(program: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'manifold-switch-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'program.mjs'), program);
  const options = { cwd: directory, encoding: 'utf8', timeout: 60_000 } as const;
  return execFileSync(process.execPath, ['program.mjs'], options);
}

it('one line is all that changes', () => {
  const program = sample();
  expect(program.match(LINE)).toHaveLength(1);
  const expected = ['alan 1912', 'grace 1906', '1 undefined', "[ 'grace' ]", ''].join('\n');
  expect(run(program)).toBe(expected);
  expect(run(AT + program.replace(LINE, OTHER_LINE))).toBe(expected);
});

it('Level is ManifoldLevel', () => {
  expect(Level).toBe(ManifoldLevel);
});

/**
 * The ten-minute tour of the README is a program: it runs here, and every `// comment` behind a
 * `console.log` is what it prints.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function tour(): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  return [...readme.matchAll(/```js tour\n([\s\S]*?)```/g)].map(([, code]) => code).join('\n');
}

it('the tour runs and prints what it says', () => {
  const code = tour();
  const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
  expect(expected.length).toBeGreaterThan(5);
  const directory = mkdtempSync(join(tmpdir(), 'manifold-readme-'));
  directories.push(directory);
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'tour.mjs'), code);
  const options = { cwd: directory, encoding: 'utf8', timeout: 60_000 } as const;
  const printed = execFileSync(process.execPath, ['tour.mjs'], options).split('\n');
  let from = 0;
  for (const line of expected) {
    const at = printed.indexOf(line!, from);
    expect(at, `the tour prints ${line}`).toBeGreaterThanOrEqual(from);
    from = at + 1;
  }
});

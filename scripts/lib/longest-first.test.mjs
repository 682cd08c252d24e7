import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './bootstrap.mjs';
import { LONGEST, longestFirst } from './longest-first.mjs';

it('names test files that are there', () => {
  expect(LONGEST.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
});

it('starts with the longest, and leaves the others as they were', () => {
  const [longest, second] = LONGEST;
  const files = ['/b.test.ts', `/root/${second}`, '/a.test.ts', `/root/${longest}`];
  const sorted = longestFirst(files, (file) => file);
  expect(sorted).toEqual([`/root/${longest}`, `/root/${second}`, '/b.test.ts', '/a.test.ts']);
});

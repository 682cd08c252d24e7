/**
 * Vitest for `npm run coverage`: all modules of the packages are the compiled ones, loaded by Node
 * itself, so that what V8 counts in the test's thread, in workers and in child processes refers to
 * the same files.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.ts';
import { ROOT } from './bootstrap.mjs';

const SOURCE = /\/packages\/([\w-]+)\/src\//;

/** Unit tests beside the code import its source: they get what was compiled from it. */
const compiled = {
  name: 'compiled-modules',
  enforce: 'pre',
  resolveId(specifier, importer) {
    if (importer === undefined || !specifier.startsWith('.') || !SOURCE.test(importer)) return null;
    const path = resolve(dirname(importer), specifier).replace(SOURCE, '/packages/$1/dist/');
    return existsSync(path) ? { id: pathToFileURL(path).href, external: true } : null;
  },
};

export default mergeConfig(
  base,
  defineConfig({
    root: ROOT,
    plugins: [compiled],
    test: {
      setupFiles: [join(ROOT, 'scripts/lib/coverage-setup.mjs')],
      testTimeout: 240_000,
      server: { deps: { external: [/\/packages\/[\w-]+\/dist\//] } },
    },
  }),
);

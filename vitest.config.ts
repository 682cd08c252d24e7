import { defineConfig } from 'vitest/config';
import { LongestFirst } from './scripts/lib/longest-first.mjs';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'scripts/lib/*.test.mjs',
      'bench/test/**/*.test.ts',
    ],
    globalSetup: 'scripts/lib/bundle-workers.mjs',
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Loaded by Node itself: in Vitest's module runner every use of an import is a getter call.
    // What tests of `level` mock has to be Vitest's.
    server: { deps: { external: [/\/packages\/(?!level)[^/]+\/dist\//] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { MANIFOLD_CHECKS: '1' },
  },
});

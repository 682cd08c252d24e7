import { defineConfig } from 'vitest/config';

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
    server: { deps: { external: [/\/packages\/(?!level)[^/]+\/dist\//] } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { MANIFOLD_CHECKS: '1' },
  },
});

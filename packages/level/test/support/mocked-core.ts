/**
 * What stands for `open` of the engine in tests that need another file system, or the engine's own
 * handle. For `vi.mock('@manifold-db/core', mockedCore)`. Test thread.
 */
import type { Database, OpenOptions } from '@manifold-db/core';
import { openWith, type OpenEnvironment } from '@manifold-db/core/internal';

/** Set by the test: used by the next opening; the engine of the last one. */
export const engine: { environment: OpenEnvironment; database: Database | undefined } = {
  environment: {},
  database: undefined,
};

export async function mockedCore(importOriginal: () => Promise<object>): Promise<object> {
  return {
    ...(await importOriginal()),
    open: async (path: string, options: OpenOptions) => {
      const database = await openWith(path, options, engine.environment);
      engine.database = database;
      return database;
    },
  };
}

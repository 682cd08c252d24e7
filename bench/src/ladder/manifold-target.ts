/** Manifold under the ladder: one transaction per batch. */
import type { OpenOptions } from '@manifold-db/core';
import { openManifold, stageTotals } from '../engines/manifold.js';
import { FAMILIES, type RunParameters } from './run.js';
import type { Target } from './workload.js';

export async function openManifoldTarget(
  directory: string,
  parameters: RunParameters,
): Promise<Target> {
  const options = {
    ...parameters.openOptions,
    mode: parameters.mode,
    durability: parameters.durability,
  } as OpenOptions;
  const database = await openManifold(directory, options, parameters.addedSyncLatencyUs);
  const families = Array.from({ length: FAMILIES }, (_, index) => {
    return database.columnFamily<Buffer, Buffer>(`family-${index}`, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
  });
  return {
    commit: (index, batch) => {
      const family = families[index]!;
      return database.write((tx) => {
        for (let i = 0; i < batch.ops; i++) tx.put(family, batch.nextKey(), batch.value());
      });
    },
    settle: async () => {
      await database.waitForSync();
      await database.waitForApply();
    },
    totals: () => stageTotals(database),
    close: () => database.close(),
  };
}

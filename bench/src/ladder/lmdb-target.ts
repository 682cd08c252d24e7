/**
 * lmdb-js under the ladder, in the way its documentation recommends for throughput: `batch`, with
 * everything at its defaults. Its promise resolves when the batch is visible; durable it is when
 * the promise of the flush has resolved, so that is what `immediate` waits for.
 */
import { open } from 'lmdb';
import { FAMILIES, type RunParameters } from './run.js';
import type { Target } from './workload.js';

export function openLmdbTarget(directory: string, parameters: RunParameters): Target {
  const root = open<Buffer, Buffer>({ path: directory });
  const families = Array.from({ length: FAMILIES }, (_, index) => {
    return root.openDB<Buffer, Buffer>(`family-${index}`, {
      keyEncoding: 'binary',
      encoding: 'binary',
    });
  });
  const waitsForFlush = parameters.durability === 'immediate';
  return {
    commit: async (index, batch) => {
      const family = families[index]!;
      const committed = family.batch(() => {
        for (let i = 0; i < batch.ops; i++) void family.put(batch.nextKey(), batch.value());
      });
      // Asked for at once: later it would be the flush of a later batch.
      const flushed = waitsForFlush && new Promise((resolve) => family.flushed.then(resolve));
      await committed;
      await flushed;
    },
    settle: async () => {
      await root.flushed;
    },
    totals: () => undefined,
    close: () => root.close(),
  };
}

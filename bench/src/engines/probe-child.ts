/** Tries an engine out in a process of its own: native code that does not fit may end it. */
import { serveIsolated } from '../isolated.js';
import { withScratch } from '../scratch.js';
import { openStore } from './open-store.js';
import type { StoreRequest } from './store.js';

const MIB = 2 ** 20;

export type ProbeParameters = Pick<StoreRequest, 'engine' | 'mode' | 'directory' | 'openOptions'>;

serveIsolated((parameters: ProbeParameters): Promise<boolean> => {
  return withScratch(parameters.directory, async (directory) => {
    const store = await openStore({
      ...parameters,
      directory,
      durability: 'immediate',
      families: 1,
      cacheBytes: 8 * MIB,
      bufferBytes: 8 * MIB,
      addedSyncLatencyUs: 0,
    });
    const key = Buffer.from('key');
    await store.put(key, Buffer.from('value'));
    const found = await store.get(key);
    await store.close();
    if (found?.toString() !== 'value') throw new Error('what was put was not found');
    return true;
  });
});

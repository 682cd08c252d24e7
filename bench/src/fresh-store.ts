/** A store in a fresh directory below `request.directory`, opened and closed around its use. */
import { openStore } from './engines/open-store.js';
import type { Store, StoreRequest } from './engines/store.js';
import { withScratch } from './scratch.js';

export function withFreshStore<T>(
  request: StoreRequest,
  use: (store: Store, directory: string) => Promise<T>,
): Promise<T> {
  return withScratch(request.directory, async (directory) => {
    const store = await openStore({ ...request, directory });
    const result = await use(store, directory);
    await store.close();
    return result;
  });
}

/**
 * A worker that dies while the database closes. It said nothing, and `close` took its end for an
 * orderly one: with the fsync worker gone, the apply worker waited for a sync that never came, and
 * `close` with it; a commit that stood in the log was refused as if it had never been made.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { databasePath, expectCode, openSmall, openSmallWith } from './support/api-database.js';
import { startedWorkers } from './support/started-workers.js';

/** The fsync worker is inside its sync, and all others wait for it, when it is ended. */
const SLOW = { kind: 'slow', addedSyncLatencyUs: 2_000_000 } as const;
const UNTIL_DRAINING_MS = 500;

const workers = startedWorkers();

for (const [index, name] of ['fsync', 'apply'].entries()) {
  it(`close ends and says so when the ${name} worker dies under it`, async () => {
    const path = databasePath();
    const database = await openSmallWith({ vfsSpec: SLOW }, {}, path);
    const commit = database.put('key', 'value').then(
      () => true,
      (error: unknown) => error,
    );
    const refused = expectCode(database.close(), 'ERR_MANIFOLD_POISONED');
    await sleep(UNTIL_DRAINING_MS);
    const worker = workers[index]!;
    const exit = once(worker, 'exit');
    await worker.terminate();
    await exit;
    await refused;
    const outcome = await commit;
    const isAcknowledged = outcome === true;
    if (!isAcknowledged) expect(outcome).toMatchObject({ code: 'ERR_MANIFOLD_INDETERMINATE' });
    const again = await openSmall(path);
    if (isAcknowledged) expect(again.get('key')).toBe('value');
    await again.close();
  });
}

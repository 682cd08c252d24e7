/** Who waits for the pages lock of a dead thread gets on, and the database is poisoned. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { setFailure } from '../failure/failure.js';
import { PAGES_LOCK, PAGES_LOCK_ABANDONED } from '../layout/pages.js';
import { FAILURE_WORKER } from '../layout/progress.js';
import { testShared } from '../ring/test-shared.js';
import { MUTEX_FREE } from '../sync/mutex.js';
import { lockPages, tryLockPages, unlockPages } from './pages-lock.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the pages lock', () => {
  it('is taken and given back', () => {
    const shared = testShared();
    for (let round = 0; round < 3; round++) {
      lockPages(shared);
      expect(shared.pagesControl[PAGES_LOCK]).not.toBe(MUTEX_FREE);
      unlockPages(shared);
      expect(shared.pagesControl[PAGES_LOCK]).toBe(MUTEX_FREE);
    }
  });

  it('is taken on a poisoned database, too, as long as nobody died with it', () => {
    const shared = testShared();
    setFailure(shared, FAILURE_WORKER, 'a worker stopped');
    expect(tryLockPages(shared)).toBe(true);
    unlockPages(shared);
    expect(shared.pagesControl[PAGES_LOCK_ABANDONED]).toBe(0);
  });

  it('of a dead holder is given up, at once from then on', () => {
    const shared = testShared();
    lockPages(shared);
    setFailure(shared, FAILURE_WORKER, 'a worker stopped');
    expect(tryLockPages(shared)).toBe(false);
    expect(shared.pagesControl[PAGES_LOCK_ABANDONED]).toBe(1);
    // These would take minutes if each waited.
    for (let again = 0; again < 100; again++) expect(tryLockPages(shared)).toBe(false);
    expect(() => lockPages(shared)).toThrow(
      expect.objectContaining({
        code: 'ERR_MANIFOLD_POISONED',
        message: expect.stringContaining('a worker stopped'),
      }),
    );
  });

  it('is presumed after half a minute where the system does not tell of threads', () => {
    const shared = testShared();
    lockPages(shared);
    const waits = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    expect(() => lockPages(shared)).toThrow(
      expect.objectContaining({
        code: 'ERR_MANIFOLD_POISONED',
        message: expect.stringContaining('died while it held the pages lock'),
      }),
    );
    expect(waits.mock.calls.length).toBeGreaterThanOrEqual(30);
    expect(shared.pagesControl[PAGES_LOCK_ABANDONED]).toBe(1);
  });
});

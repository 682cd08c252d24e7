/**
 * What an error of the apply worker means. A file that cannot be written or read, damage, and the
 * loss of the lock poison the database; everything else (a broken invariant, the simulator's power
 * cut) goes on up.
 */
import {
  FAILURE_CORRUPT,
  FAILURE_DATA_WRITE,
  FAILURE_LOCK_LOST,
  ManifoldError,
  failureText,
  setFailure,
  type Shared,
} from '@manifold-db/storage';
import type { ApplyContext } from './context.js';

class LockLostError extends Error {
  constructor(directory: string) {
    super(`${directory}: the lock of the database was taken over by another process`);
    this.name = 'LockLostError';
  }
}

/** Before anything that another owner of the directory would trip over. */
export function requireLock(context: ApplyContext): void {
  if (!context.stillOwned()) throw new LockLostError(context.init.directory);
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

export function reportFailure(shared: Shared, error: unknown): void {
  if (error instanceof LockLostError) {
    setFailure(shared, FAILURE_LOCK_LOST, error.message);
  } else if (error instanceof ManifoldError && error.code === 'ERR_MANIFOLD_CORRUPT') {
    setFailure(shared, FAILURE_CORRUPT, failureText(error));
  } else if (error instanceof ManifoldError || isFileError(error)) {
    const text = `pages or a log segment could not be written: ${failureText(error)}`;
    setFailure(shared, FAILURE_DATA_WRITE, text);
  } else {
    throw error;
  }
}

/**
 * What an exception of the loop means. An error of a file, or damage found in a segment header,
 * poisons the database. Everything else (a broken invariant, the simulator's power cut) is not the
 * loop's to handle and goes on up.
 */
import {
  FAILURE_CORRUPT,
  FAILURE_LOG_WRITE,
  FAILURE_SYNC,
  ManifoldError,
  failureText,
  setFailure,
  type Shared,
} from '@manifold-db/storage';

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

export function reportFailure(
  shared: Shared,
  error: unknown,
  isSyncing: boolean,
  path: string,
): void {
  if (error instanceof ManifoldError) {
    setFailure(shared, FAILURE_CORRUPT, failureText(error));
    return;
  }
  if (!isFileError(error)) throw error;
  const what = isSyncing ? 'the log could not be synced' : 'the log could not be written';
  const code = isSyncing ? FAILURE_SYNC : FAILURE_LOG_WRITE;
  setFailure(shared, code, `${what} (${path}): ${failureText(error)}`);
}

/** Where a backup may go: a directory that is absent or empty. Any thread. */
import { ManifoldError, errnoOf, type Vfs } from '@manifold-db/storage';

export function requireEmptyTarget(vfs: Vfs, target: string): void {
  if (!vfs.exists(target)) return;
  if (namesIn(vfs, target).length > 0) throw targetError(target, 'the directory is not empty');
}

function namesIn(vfs: Vfs, target: string): string[] {
  try {
    return vfs.list(target);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw targetError(target, 'it is not a directory');
    throw error;
  }
}

export function targetError(target: string, problem: string): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_BACKUP_TARGET',
    `${target}: ${problem}; name a directory that is empty or does not exist`,
    { path: target },
  );
}

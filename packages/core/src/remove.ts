/**
 * Removing the files of a database. Main thread.
 *
 * The data file goes first. Without it the directory cannot be opened, so a removal that was cut
 * short leaves no database with a part of its log; done again, it removes the rest.
 */
import { join } from 'node:path';
import {
  DATA_FILE_NAME,
  DATA_FILE_TEMPORARY_NAME,
  acquireLock,
  createVfs,
  isLogFileName,
  type VfsSpec,
} from '@manifold-db/storage';
import { absolutePath } from './options/index.js';
import { openError } from './recovery/file-errors.js';

function isOurs(name: string): boolean {
  return name === DATA_FILE_NAME || name === DATA_FILE_TEMPORARY_NAME || isLogFileName(name);
}

/**
 * Removes the files of the database in a directory, and nothing else. A directory without such
 * files is left as it is.
 *
 * @throws ManifoldError `ERR_MANIFOLD_LOCKED` while it is open, `…_PERMISSION`, `…_IO`
 */
export function removeDatabaseFiles(path: string, spec: VfsSpec = { kind: 'real' }): void {
  const directory = absolutePath(path);
  const vfs = createVfs(spec);
  try {
    if (!vfs.exists(directory) || !vfs.list(directory).some(isOurs)) return;
    const lock = acquireLock(vfs, directory);
    try {
      const names = vfs.list(directory).filter(isOurs);
      if (names.includes(DATA_FILE_NAME)) vfs.remove(join(directory, DATA_FILE_NAME));
      vfs.syncDirectory(directory);
      for (const name of names) {
        if (name !== DATA_FILE_NAME) vfs.remove(join(directory, name));
      }
      vfs.syncDirectory(directory);
    } finally {
      lock.release();
    }
  } catch (error) {
    throw openError(error, directory);
  }
}

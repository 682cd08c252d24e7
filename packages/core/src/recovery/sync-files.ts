/**
 * Makes durable what recovery is about to trust. A process that was killed leaves writes that only
 * the kernel has: a log block, a meta page, a renamed segment. They read like durable ones, but a
 * later power loss would take them from under everything that was built on them: commits
 * acknowledged in the next segment, log segments recycled because a newer meta page was there.
 * Runs on the opening thread, before anything is read; changes no byte.
 */
import { dirname, join } from 'node:path';
import { DATA_FILE_NAME, errnoOf, parseSegmentFileName, type Vfs } from '@manifold-db/storage';

/** Data file, log files, and their names. */
export function syncFiles(vfs: Vfs, directory: string): void {
  for (const name of vfs.list(directory)) {
    if (name !== DATA_FILE_NAME && parseSegmentFileName(name) === undefined) continue;
    const file = vfs.open(join(directory, name), 'read-write');
    try {
      file.sync();
    } finally {
      file.close();
    }
  }
  vfs.syncDirectory(directory);
}

/** What some systems answer who may not open a directory above, or cannot sync one. */
const UNSYNCABLE = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);

/**
 * The names of the directory and of those above it. Whoever made them, this process or one that
 * was killed right after, they have to be there after a power loss.
 */
export function syncNamesAbove(vfs: Vfs, directory: string): void {
  for (let path = directory; dirname(path) !== path; path = dirname(path)) {
    try {
      vfs.syncDirectory(dirname(path));
    } catch (error) {
      // Not ours then: the directory was there before.
      if (!UNSYNCABLE.has(errnoOf(error) ?? '')) throw error;
    }
  }
}

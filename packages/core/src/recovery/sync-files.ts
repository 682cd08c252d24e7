/**
 * Makes durable what recovery is about to trust. A process that was killed leaves writes that only
 * the kernel has: a log block, a meta page, a renamed segment. They read like durable ones, but a
 * later power loss would take them from under everything that was built on them: commits
 * acknowledged in the next segment, log segments recycled because a newer meta page was there.
 *
 * To sync is not enough. After a sync that failed, Linux keeps the pages for reading and counts
 * them as written; the next sync succeeds and writes nothing. So what is not known to have been
 * synced is written once more, the same bytes to the same place, which a crash cannot harm.
 * Runs on the opening thread; changes no byte.
 */
import { dirname, join } from 'node:path';
import {
  DATA_FILE_NAME,
  MIB,
  errnoOf,
  metaSlot,
  parseSegmentFileName,
  readMetas,
  type LogRange,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

const COPY_BYTES = MIB;

/**
 * Data file, log files, and their names; the meta page that counts is written again. The pages
 * below it were synced before it was written.
 */
export function syncFiles(vfs: Vfs, directory: string): void {
  for (const name of vfs.list(directory)) {
    if (name !== DATA_FILE_NAME && parseSegmentFileName(name) === undefined) continue;
    const path = join(directory, name);
    const file = vfs.open(path, 'read-write');
    try {
      if (name === DATA_FILE_NAME) {
        const { meta } = readMetas(file, path);
        const offset = metaSlot(meta.metaGeneration) * meta.pageBytes;
        rewrite(file, offset, offset + meta.pageBytes);
      }
      file.sync();
    } finally {
      file.close();
    }
  }
  vfs.syncDirectory(directory);
}

/** What the scan of the log could not prove to be synced; before anything relies on it. */
export function syncLog(vfs: Vfs, directory: string, unproven: readonly LogRange[]): void {
  for (const { fileName, from, to } of unproven) {
    const file = vfs.open(join(directory, fileName), 'read-write');
    try {
      rewrite(file, from, to);
      file.sync();
    } finally {
      file.close();
    }
  }
}

function rewrite(file: VfsFile, from: number, to: number): void {
  const buffer = new Uint8Array(Math.min(COPY_BYTES, to - from));
  for (let offset = from; offset < to; offset += buffer.length) {
    const bytes = buffer.subarray(0, Math.min(buffer.length, to - offset));
    const count = file.read(bytes, offset);
    file.write([bytes.subarray(0, count)], offset);
  }
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

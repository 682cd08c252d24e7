/**
 * Takes files out of the system's cache, so that the next read comes from the disk. Node has no
 * call for that; `dd` of GNU coreutils gives the advice to the system.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Throws where there is no such `dd`. */
export function dropFromCache(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      dropFromCache(path);
      continue;
    }
    // Pages that are not written yet would stay.
    const sync = spawnSync('sync', [path]);
    const result = spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0']);
    if (sync.error || result.error || result.status !== 0) {
      throw new Error(`dd cannot take ${path} out of the system's cache`);
    }
  }
}

/** What the files of a directory take on disk: space set aside but never written is not counted. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 512;

export function directoryBytes(directory: string): number {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? directoryBytes(path) : statSync(path).blocks * BLOCK_BYTES);
  }, 0);
}

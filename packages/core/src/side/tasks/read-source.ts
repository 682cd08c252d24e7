/** Reading the original of a backup. Errors say so: those of the copy are about another disk. */
import { ManifoldError, type VfsFile } from '@manifold-db/storage';

/** Reads up to the end of the file; returns how many bytes. */
export function readSource(
  file: VfsFile,
  path: string,
  target: Uint8Array,
  offset: number,
): number {
  try {
    return file.read(target, offset);
  } catch (error) {
    const what = `${path}, offset ${offset}: ${(error as Error).message}`;
    throw new ManifoldError('ERR_MANIFOLD_IO', what, { cause: error, path, offset });
  }
}

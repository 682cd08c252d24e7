/** The path argument of `open` and `backup`. Main thread. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '../encoding/describe.js';

/**
 * The absolute path that a string or a `file:` URL names.
 *
 * @throws TypeError for anything else, for an empty path and for one with a NUL character
 */
export function absolutePath(path: unknown, argument = 'path'): string {
  if (path instanceof URL) {
    if (path.protocol !== 'file:') {
      throw new TypeError(`${argument} must be a file: URL, not ${path.protocol}`);
    }
    return requirePlain(fileURLToPath(path), argument);
  }
  if (typeof path !== 'string') {
    throw new TypeError(`${argument} must be a string or a file: URL, not ${describe(path)}`);
  }
  return resolve(requirePlain(path, argument));
}

function requirePlain(path: string, argument: string): string {
  if (path === '') throw new TypeError(`${argument} must not be empty`);
  if (path.includes('\0')) throw new TypeError(`${argument} must not contain a NUL character`);
  return path;
}

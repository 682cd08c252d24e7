/** Directories that are gone after the test. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A path in a fresh directory; nothing is there yet. */
export function freshPath(name = 'db'): string {
  const directory = mkdtempSync(join(tmpdir(), 'manifold-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

/**
 * Copies the files of an open database, as a crash would leave them, but for the lock. A log file
 * in preparation may change its name meanwhile: then it is not there under the old one.
 */
export function copyOpenDatabase(path: string, copy: string): void {
  mkdirSync(copy, { recursive: true });
  for (const name of readdirSync(path)) {
    if (name.endsWith('LOCK')) continue;
    try {
      cpSync(join(path, name), join(copy, name));
    } catch (error) {
      if (existsSync(join(path, name))) throw error;
    }
  }
}

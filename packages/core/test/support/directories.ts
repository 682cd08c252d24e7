/** Directories that are gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A path in a fresh directory; nothing is there yet. */
export function freshPath(name = 'db'): string {
  const directory = mkdtempSync(join(tmpdir(), 'manifold-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}

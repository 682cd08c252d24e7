/** Databases in temporary directories; closed and removed when the test ends. Test thread. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManifoldLevel, type DatabaseOptions } from '@manifold-db/level';
import { expect, onTestFinished } from 'vitest';

const MIB = 1024 * 1024;

export const MODES = ['buffered', 'pipelined'] as const;

/** Small files and little memory, so that a test opens quickly. */
export const SMALL = {
  cacheBytes: 4 * MIB,
  walRingBytes: MIB,
  walSegmentBytes: 3 * MIB,
  walBytesMax: 12 * MIB,
  writeBufferBytes: MIB,
} as const;

/** A path in a fresh directory; nothing is there yet. */
export function freshPath(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'manifold-level-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'db');
}

export function level<K = string, V = string>(
  location: string = freshPath(),
  options: DatabaseOptions<K, V> = {},
): ManifoldLevel<K, V> {
  const db = new ManifoldLevel<K, V>(location, { ...SMALL, ...options });
  onTestFinished(() => db.close());
  return db;
}

/** What the promise rejects with; an error of abstract-level around it is looked through. */
export async function causeOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await rejectionOf(promise);
  expect(error.cause, String(error)).toBeInstanceOf(Error);
  return error.cause as Error & { code?: string };
}

export async function rejectionOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error & { code?: string };
}

/**
 * Real databases in real temporary directories for the tests of the public API. What a test opens
 * here is closed and removed when it ends. Test thread.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type Database, type ManifoldErrorCode, type OpenOptions } from '@manifold-db/core';
import { openWith, type OpenEnvironment } from '@manifold-db/core/internal';
import { expect, onTestFinished } from 'vitest';
import { modeOfTest } from './modes.js';

export const MIB = 1024 * 1024;

/** Small files and little memory, so that a test opens quickly and meets the limits. */
export const SMALL = {
  cacheBytes: 4 * MIB,
  walRingBytes: MIB,
  walSegmentBytes: 3 * MIB,
  walBytesMax: 12 * MIB,
  writeBufferBytes: MIB,
} as const satisfies OpenOptions;

export function tempDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'manifold-api-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Path of a database that is not there yet. */
export function databasePath(): string {
  return join(tempDirectory(), 'db');
}

/** Opens with small sizes unless told otherwise; closed at the latest when the test ends. */
export async function openSmall(
  path: string = databasePath(),
  options: OpenOptions = {},
): Promise<Database> {
  return closeLater(await open(path, { ...SMALL, ...modeOfTest(), ...options }));
}

/** The same on another file system. */
export async function openSmallWith(
  environment: OpenEnvironment,
  options: OpenOptions = {},
  path: string = databasePath(),
): Promise<Database> {
  return closeLater(await openWith(path, { ...SMALL, ...modeOfTest(), ...options }, environment));
}

function closeLater(db: Database): Database {
  onTestFinished(async () => {
    try {
      await db.close();
    } catch (error) {
      // A test that made its database fail has looked at that already.
      if ((error as { code?: string }).code !== 'ERR_MANIFOLD_POISONED') throw error;
    }
  });
  return db;
}

/** The promise, or what the call threw, must be a ManifoldError with this code. */
export async function expectCode(
  promise: Promise<unknown>,
  code: ManifoldErrorCode,
): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'ManifoldError', code });
  return error as Error;
}

/** The call must throw a ManifoldError with this code at once. */
export function expectThrownCode(call: () => unknown, code: ManifoldErrorCode): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'ManifoldError', code });
}

/** Waits until the condition holds, with the event loop running. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

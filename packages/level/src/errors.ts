/**
 * Errors of the engine with the codes that programs on abstract-level know. The engine's own error,
 * with its finer code, is the `cause`. Main thread.
 */
import { ManifoldError, type ManifoldErrorCode } from '@manifold-db/core';

/** Codes that this package gives; abstract-level adds its own (`LEVEL_ITERATOR_BUSY`, …). */
export type LevelErrorCode =
  | 'LEVEL_CORRUPTION'
  | 'LEVEL_DATABASE_NOT_OPEN'
  | 'LEVEL_INVALID_KEY'
  | 'LEVEL_IO_ERROR'
  | 'LEVEL_LOCKED'
  | 'LEVEL_NOT_SUPPORTED'
  | 'LEVEL_READONLY';

export class LevelError extends Error {
  readonly code: LevelErrorCode | undefined;

  constructor(code: LevelErrorCode | undefined, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LevelError';
    this.code = code;
  }
}

/** Conditions without a code in LevelDB have none here either: `cause.code` tells them apart. */
const CODES: Readonly<Record<ManifoldErrorCode, LevelErrorCode | undefined>> = {
  ERR_MANIFOLD_BACKUP_TARGET: undefined,
  ERR_MANIFOLD_CLOSED: 'LEVEL_DATABASE_NOT_OPEN',
  ERR_MANIFOLD_CONFLICT: undefined,
  ERR_MANIFOLD_CORRUPT: 'LEVEL_CORRUPTION',
  ERR_MANIFOLD_EXISTS: undefined,
  ERR_MANIFOLD_FORKED: 'LEVEL_DATABASE_NOT_OPEN',
  // Not LEVEL_CORRUPTION: a program must not repair or destroy what a later version has written.
  ERR_MANIFOLD_FORMAT: 'LEVEL_NOT_SUPPORTED',
  ERR_MANIFOLD_FULL: 'LEVEL_IO_ERROR',
  ERR_MANIFOLD_INDETERMINATE: 'LEVEL_IO_ERROR',
  ERR_MANIFOLD_IO: 'LEVEL_IO_ERROR',
  ERR_MANIFOLD_LIMIT: undefined,
  ERR_MANIFOLD_LOCKED: 'LEVEL_LOCKED',
  ERR_MANIFOLD_NOT_FOUND: undefined,
  ERR_MANIFOLD_PERMISSION: 'LEVEL_IO_ERROR',
  ERR_MANIFOLD_POISONED: 'LEVEL_IO_ERROR',
  ERR_MANIFOLD_READONLY: 'LEVEL_READONLY',
  ERR_MANIFOLD_WORKER: 'LEVEL_IO_ERROR',
};

/** The error for the user; anything but an error of the engine stays what it is. */
export function levelError(error: unknown): unknown {
  if (!(error instanceof ManifoldError)) return error;
  return new LevelError(CODES[error.code], messageOf(error), error);
}

/** Programs look for these words of LevelDB, for want of a code. */
function messageOf(error: ManifoldError): string {
  if (error.code === 'ERR_MANIFOLD_NOT_FOUND') {
    return `${error.path}: the database does not exist (createIfMissing is false)`;
  }
  if (error.code === 'ERR_MANIFOLD_EXISTS') return existsMessage(error.path ?? '');
  return error.message;
}

export function existsMessage(location: string): string {
  return `${location}: the database exists (errorIfExists is true)`;
}

/** Runs a step of the engine. */
export async function translated<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw levelError(error);
  }
}

/** The same for a step without promises. */
export function translatedSync<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw levelError(error);
  }
}

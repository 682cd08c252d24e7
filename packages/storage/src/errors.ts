/**
 * The one error class of the engine. `code` is stable and part of the public contract; `message`
 * is for people and names the cause and, where there is one, the mend.
 */
export const ERROR_CODES = [
  'ERR_MANIFOLD_BACKUP_TARGET',
  'ERR_MANIFOLD_CLOSED',
  'ERR_MANIFOLD_CONFLICT',
  'ERR_MANIFOLD_CORRUPT',
  'ERR_MANIFOLD_EXISTS',
  'ERR_MANIFOLD_FORKED',
  'ERR_MANIFOLD_FORMAT',
  'ERR_MANIFOLD_FULL',
  'ERR_MANIFOLD_INDETERMINATE',
  'ERR_MANIFOLD_IO',
  'ERR_MANIFOLD_LIMIT',
  'ERR_MANIFOLD_LOCKED',
  'ERR_MANIFOLD_NOT_FOUND',
  'ERR_MANIFOLD_PERMISSION',
  'ERR_MANIFOLD_POISONED',
  'ERR_MANIFOLD_READONLY',
  'ERR_MANIFOLD_WORKER',
] as const;

export type ManifoldErrorCode = (typeof ERROR_CODES)[number];

export interface ManifoldErrorDetails {
  cause?: unknown;
  /** File the error is about. */
  path?: string;
  /** Byte offset in that file. */
  offset?: number;
}

export class ManifoldError extends Error {
  readonly code: ManifoldErrorCode;
  readonly path: string | undefined;
  readonly offset: number | undefined;

  constructor(code: ManifoldErrorCode, message: string, details: ManifoldErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ManifoldError';
    this.code = code;
    this.path = details.path;
    this.offset = details.offset;
  }
}

/** Damage at a known place. */
export function corrupt(path: string, offset: number, what: string): ManifoldError {
  return new ManifoldError('ERR_MANIFOLD_CORRUPT', `${path}, offset ${offset}: ${what}`, {
    path,
    offset,
  });
}

/** The errno name of an operating-system error (`ENOSPC`), or `undefined`. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

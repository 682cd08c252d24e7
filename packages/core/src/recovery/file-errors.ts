/**
 * What the operating system says while a database is opened, as typed errors with a mend.
 */
import { ManifoldError, errnoOf } from '@manifold-db/storage';

export function openError(error: unknown, path: string): unknown {
  if (error instanceof ManifoldError) return error;
  const errno = errnoOf(error);
  switch (errno) {
    case 'EACCES':
    case 'EPERM':
      return new ManifoldError(
        'ERR_MANIFOLD_PERMISSION',
        `${path}: permission denied; check owner and mode of the directory and its files`,
        { cause: error, path },
      );
    case 'EROFS':
      return new ManifoldError(
        'ERR_MANIFOLD_READONLY',
        `${path}: the file system is read-only; open with readOnly: true`,
        { cause: error, path },
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new ManifoldError('ERR_MANIFOLD_FULL', `${path}: no room on the disk`, {
        cause: error,
        path,
      });
    case 'ENOTDIR':
      return new ManifoldError('ERR_MANIFOLD_IO', `${path}: not a directory; name a directory`, {
        cause: error,
        path,
      });
    case undefined:
      return error;
    default:
      return new ManifoldError('ERR_MANIFOLD_IO', `${path}: ${(error as Error).message}`, {
        cause: error,
        path,
      });
  }
}

export function notFoundError(path: string): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_NOT_FOUND',
    `${path}: there is no database; open with createIfMissing: true to create one`,
    { path },
  );
}

export function existsError(path: string): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_EXISTS',
    `${path}: there is a database already; open without errorIfExists, or name another directory`,
    { path },
  );
}

/**
 * Everything that can go wrong in the command, as one line on stderr and an exit code. The line
 * names the cause and the mend; a stack trace is shown only when MANIFOLD_DEBUG is set.
 */
import { ManifoldError } from '@manifold-db/core';

export const EXIT_OK = 0;
/** Not found, damage found, or the operation failed. */
export const EXIT_FAILED = 1;
/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
/** What shells report for a program ended by ctrl-C. */
export const EXIT_INTERRUPTED = 130;

/** A failure with a message for the user. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_FAILED, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** The reader of our output has gone away: no failure, there is just nothing left to do. */
export class OutputClosed extends Error {
  constructor() {
    super('the reader of the output has gone away');
    this.name = 'OutputClosed';
  }
}

export function usageFailure(message: string): CommandFailure {
  return new CommandFailure(message, EXIT_USAGE);
}

/** What the user can do about an error code of the engine. */
const MENDS: Readonly<Record<string, string>> = {
  ERR_MANIFOLD_BACKUP_TARGET: 'name a directory that is empty or does not exist',
  ERR_MANIFOLD_CONFLICT: 'read the key again and decide anew',
  ERR_MANIFOLD_CORRUPT: 'run "manifold verify" for the full list, then restore a backup',
  ERR_MANIFOLD_EXISTS: 'choose another directory',
  ERR_MANIFOLD_FORMAT: 'use a version of manifold that knows this format',
  ERR_MANIFOLD_FULL: 'free some disk space, then run the command again',
  ERR_MANIFOLD_INDETERMINATE: 'mend the disk, then look with "manifold get" what was kept',
  ERR_MANIFOLD_IO: 'check the disk, then run the command again',
  ERR_MANIFOLD_LIMIT: 'see the limits in the README',
  ERR_MANIFOLD_LOCKED: 'end the program that has it open, or wait for it',
  ERR_MANIFOLD_NOT_FOUND: 'check the path; "manifold put" and "manifold load" create a database',
  ERR_MANIFOLD_PERMISSION: 'check the owner and the permissions of the directory',
  ERR_MANIFOLD_POISONED: 'mend the disk, then run the command again',
  ERR_MANIFOLD_READONLY: 'check that the file system can be written to',
};

/** System errors in words; the code is added for those who search for it. */
const ERRNO_TEXT: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is not a directory',
  EROFS: 'the file system is read-only',
};

export interface FailureLine {
  readonly text: string;
  readonly exitCode: number;
}

function stringField(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

function describeManifoldError(error: ManifoldError): string {
  const mend = MENDS[error.code];
  return `${error.message} [${error.code}]${mend === undefined ? '' : `; ${mend}`}`;
}

function describeSystemError(error: Error, code: string): string {
  const path = stringField(error, 'path');
  const what = ERRNO_TEXT[code] ?? error.message;
  return path === undefined ? `${what} (${code})` : `${path}: ${what} (${code})`;
}

/** True for an error of the operating system, such as those of `node:fs`. */
function isSystemError(error: Error): boolean {
  return stringField(error, 'syscall') !== undefined && stringField(error, 'code') !== undefined;
}

function lineOf(error: unknown): FailureLine {
  if (error instanceof CommandFailure) return { text: error.message, exitCode: error.exitCode };
  if (error instanceof ManifoldError) {
    return { text: describeManifoldError(error), exitCode: EXIT_FAILED };
  }
  if (!(error instanceof Error)) return { text: String(error), exitCode: EXIT_FAILED };
  if (isSystemError(error)) {
    const text = describeSystemError(error, stringField(error, 'code') ?? '');
    return { text, exitCode: EXIT_FAILED };
  }
  // Misuse of the library by these means a bad argument of the command.
  if (error instanceof TypeError || error instanceof RangeError) {
    return { text: error.message, exitCode: EXIT_USAGE };
  }
  return { text: error.message, exitCode: EXIT_FAILED };
}

/** The one line for stderr and the exit code of any thrown value. */
export function describeFailure(error: unknown): FailureLine {
  const { text, exitCode } = lineOf(error);
  return { text: `error: ${text.replaceAll(/\s*\n\s*/g, ' ').trim()}`, exitCode };
}

/**
 * The lock of a database directory, as the opener holds it, and the registry that refuses a second
 * open in the same process. The registry belongs to the thread that loaded this module; a second
 * thread of the process is refused by the lock file, which names this very process.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ManifoldError } from '../errors.js';
import { assert } from '../assert.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  LOCK_FILE_NAME,
  acquireSteps,
  isHeldBy,
  readLockFile,
  type LockContext,
} from './acquire.js';
import { decodeLockFile, judgeHolder, type LockHolder } from './lock-file.js';
import { readProcessFacts, type ProcessFacts } from './process-facts.js';

const NONCE_BYTES = 16;

/** Identity of a locked directory to the path it was opened by. */
const openHere = new Map<string, string>();
/** Nonces of locks given back here whose file could not be removed: it names this very process. */
const leftBehind = new Set<string>();

export interface DatabaseLock {
  /** Goes to other threads, for `isLockOwned`. */
  readonly nonce: string;
  /** Reads the file again: false once somebody else took the lock over, or removed it. */
  stillOwned(): boolean;
  /** Removes the file if it is still ours. Idempotent. */
  release(): void;
}

export interface LockOptions {
  facts?: ProcessFacts;
}

/**
 * Takes the lock of an existing directory. Throws ERR_MANIFOLD_LOCKED, with the holder in the
 * message, when a living process (or this one) has it; errors of the file system pass through.
 */
export function acquireLock(vfs: Vfs, directory: string, options: LockOptions = {}): DatabaseLock {
  const identity = vfs.identity(directory);
  assert(identity !== undefined, 'the directory to lock exists');
  const facts = options.facts ?? readProcessFacts();
  const openedAs = openHere.get(identity);
  if (openedAs !== undefined) throw lockedHere(directory, openedAs, facts);
  openHere.set(identity, directory);
  try {
    return lockDirectory(vfs, directory, identity, facts);
  } catch (error) {
    openHere.delete(identity);
    throw error;
  }
}

function lockDirectory(
  vfs: Vfs,
  directory: string,
  identity: string,
  facts: ProcessFacts,
): DatabaseLock {
  const nonce = randomBytes(NONCE_BYTES).toString('hex');
  try {
    runSteps({ vfs, directory, facts, nonce, leftBehind, now: () => performance.now() });
  } catch (error) {
    leftBehind.add(nonce);
    throw error;
  }
  let isReleased = false;
  return {
    nonce,
    stillOwned: () => !isReleased && isLockOwned(vfs, directory, nonce),
    release: () => {
      if (isReleased) return;
      isReleased = true;
      openHere.delete(identity);
      leftBehind.add(nonce);
      // Not synced: a lock file that a power loss brings back is stale by its boot id.
      if (isLockOwned(vfs, directory, nonce)) vfs.remove(join(directory, LOCK_FILE_NAME));
      leftBehind.delete(nonce);
    },
  };
}

function runSteps(context: LockContext): void {
  const steps = acquireSteps(context);
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const step = steps.next();
    if (step.done === true) return;
    // Nobody notifies this word; it is a sleep.
    if (step.value.waitMs > 0) Atomics.wait(word, 0, 0, step.value.waitMs);
  }
}

/** For other threads of the owner: whether the lock file still holds this nonce. */
export function isLockOwned(vfs: Vfs, directory: string, nonce: string): boolean {
  return isHeldBy(vfs, join(directory, LOCK_FILE_NAME), nonce);
}

/** Who has the database open for writing and is alive, as the LOCK file says; writes nothing. */
export function livingHolder(vfs: Vfs, directory: string): LockHolder | undefined {
  const bytes = readLockFile(vfs, join(directory, LOCK_FILE_NAME));
  const holder = bytes === undefined ? undefined : decodeLockFile(bytes);
  if (holder === undefined) return undefined;
  return judgeHolder(holder, readProcessFacts()) === 'held' ? holder : undefined;
}

function lockedHere(directory: string, openedAs: string, facts: ProcessFacts): ManifoldError {
  const as = openedAs === directory ? '' : ` (as ${openedAs})`;
  const message =
    `${directory}: the database is already open in this process${as}, ` +
    `process ${facts.pid} on host ${facts.host}`;
  return new ManifoldError('ERR_MANIFOLD_LOCKED', message, { path: directory });
}

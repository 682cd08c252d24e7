/**
 * The protocol by which a process becomes the one owner of a database directory. Written as a
 * generator that stops before every access to the file system, so that tests can interleave two
 * takers at every step; `lock.ts` runs it to its end.
 *
 * Files: LOCK (the owner), LOCK.after-<key> (a claim to replace a dead holder), LOCK.new-<nonce>
 * (the next LOCK, complete, about to be renamed into place). A file system offers two atomic
 * steps here: creating a name exclusively, and replacing a name by renaming. Neither is
 * conditional on what a file says, so takers are put in line by names that are derived from what
 * they want to replace:
 *
 * 1. No LOCK: create it exclusively, write, sync, read back. Whoever created it is the owner.
 * 2. LOCK of a living (or uncheckable) holder: refuse.
 * 3. LOCK of a dead holder J: create LOCK.after-J exclusively. Whoever created it, and nobody else,
 *    may replace J. If that claimant K is dead as well, LOCK.after-K decides, and so on: a chain
 *    whose living end is the only one that may replace LOCK.
 * 4. With its claim made, the taker walks the chain again from LOCK. Why after, and not before: a
 *    claim may also succeed because an earlier winner has already installed its LOCK and tidied up
 *    the claims; then LOCK no longer names J, and the taker starts over.
 * 5. The taker renames LOCK.new-<nonce>, which was written and synced before step 4, over LOCK. The
 *    name LOCK is never absent, so step 1 of a third process cannot come between.
 * 6. Claims are removed only after the rename, by the new owner. Hence: whoever can create a claim
 *    on J either is the first, or finds in step 4 that LOCK is not J's any more.
 *
 * A file may be found unfinished: its maker is between creating and writing, or died there.
 * 7. It counts as dead when it stays unfinished, the same file, for UNFINISHED_GRACE_MS.
 * 8. A maker that needed longer than PROMPT_MS to write its file may have been taken for dead: it
 *    waits SLOW_MAKER_WAIT_MS and owns the file only if it is still there then.
 * 9. A taker that did not get from step 4 to the rename within PROMPT_MS starts over. So a taker
 *    that saw an unfinished file in step 4 has renamed before the wait of step 8 is over.
 * What remains is a process that stops for seconds between reading the clock and the rename behind
 * it, facing another that stopped while it made its file. The owner reads the nonce again before
 * each meta write and each new segment (`isLockOwned`).
 */
import { join } from 'node:path';
import { ManifoldError, errnoOf } from '../errors.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  LOCK_FILE_BYTES_MAX,
  decodeLockFile,
  encodeLockFile,
  holderOf,
  judgeHolder,
  type LockHolder,
} from './lock-file.js';
import type { ProcessFacts } from './process-facts.js';

export const LOCK_FILE_NAME = 'LOCK';
const CLAIM_PREFIX = 'LOCK.after-';
const NEXT_PREFIX = 'LOCK.new-';

const UNFINISHED_GRACE_MS = 1000;
const PROMPT_MS = UNFINISHED_GRACE_MS / 2;
const SLOW_MAKER_WAIT_MS = 2 * UNFINISHED_GRACE_MS;
const WAIT_STEP_MS = 50;
/** Dead claimants in line; each one is a process that died while taking over. */
const CHAIN_LENGTH_MAX = 64;
const ATTEMPTS_MAX = 100;

export interface LockContext {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly facts: ProcessFacts;
  /** 32 hex digits, never used before. */
  readonly nonce: string;
  /** Nonces of this process that hold nothing any more, though their files may still be there. */
  readonly leftBehind?: ReadonlySet<string>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** What the runner does before it goes on: nothing, or wait. */
export interface LockStep {
  readonly waitMs: number;
}

type Steps<T> = Generator<LockStep, T, undefined>;

const GO_ON: LockStep = { waitMs: 0 };

/** `key` names what was found: the nonce of its holder, or the identity of an unfinished file. */
type Found =
  | { state: 'absent' }
  | { state: 'unfinished'; key: string }
  | { state: 'finished'; key: string; holder: LockHolder };

/** A file of the chain from LOCK to the taker's own claim. */
interface Link {
  readonly path: string;
  readonly key: string;
}

/** Makes this process the owner, or throws ERR_MANIFOLD_LOCKED. */
export function* acquireSteps(context: LockContext): Steps<LockHolder> {
  const lockPath = join(context.directory, LOCK_FILE_NAME);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = yield* look(context, lockPath);
    const isOwner =
      found.state === 'absent'
        ? yield* create(context, lockPath)
        : yield* takeOver(context, lockPath, found);
    if (isOwner) return holderOf(context.facts, context.nonce);
  }
  throw new ManifoldError(
    'ERR_MANIFOLD_LOCKED',
    `${context.directory}: other processes kept taking the lock; try again`,
    { path: lockPath },
  );
}

/** Reads a lock file; waits for one that is being written. */
function* look(context: LockContext, path: string): Steps<Found> {
  const since = context.now();
  let first: string | undefined;
  for (;;) {
    yield GO_ON;
    const found = peek(context.vfs, path);
    if (found.state !== 'unfinished') return found;
    first ??= found.key;
    if (first !== found.key) return { state: 'absent' };
    if (context.now() - since >= UNFINISHED_GRACE_MS) return found;
    yield { waitMs: WAIT_STEP_MS };
  }
}

/** Reads a lock file as it is. */
function peek(vfs: Vfs, path: string): Found {
  const identity = vfs.identity(path);
  const bytes = readLockFile(vfs, path);
  if (identity === undefined || bytes === undefined) return { state: 'absent' };
  const holder = decodeLockFile(bytes);
  if (holder !== undefined) return { state: 'finished', key: holder.nonce, holder };
  return { state: 'unfinished', key: `unfinished-${identity.replaceAll(/[^0-9A-Za-z]/g, '-')}` };
}

/** `undefined` when there is no such file (any more). */
export function readLockFile(vfs: Vfs, path: string): Uint8Array | undefined {
  try {
    const file = vfs.open(path, 'read');
    try {
      const bytes = new Uint8Array(LOCK_FILE_BYTES_MAX);
      return bytes.subarray(0, file.read(bytes, 0));
    } finally {
      file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Creates a file with this process as its holder; false when somebody else has the name. */
function* create(context: LockContext, path: string): Steps<boolean> {
  const { vfs, nonce } = context;
  const since = context.now();
  yield GO_ON;
  let file;
  try {
    file = vfs.open(path, 'create-exclusive');
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  let isPrompt: boolean;
  try {
    yield GO_ON;
    file.write([encodeLockFile(holderOf(context.facts, nonce))], 0);
    isPrompt = context.now() - since <= PROMPT_MS;
    yield GO_ON;
    file.sync();
  } catch (error) {
    file.close();
    vfs.remove(path);
    throw error;
  }
  file.close();
  vfs.syncDirectory(context.directory);
  if (!isPrompt) yield { waitMs: SLOW_MAKER_WAIT_MS };
  yield GO_ON;
  return isHeldBy(vfs, path, nonce);
}

export function isHeldBy(vfs: Vfs, path: string, nonce: string): boolean {
  const bytes = readLockFile(vfs, path);
  return bytes !== undefined && decodeLockFile(bytes)?.nonce === nonce;
}

/** Steps 2 to 6. False: the situation changed, start over. */
function* takeOver(
  context: LockContext,
  lockPath: string,
  lock: Exclude<Found, { state: 'absent' }>,
): Steps<boolean> {
  const chain: Link[] = [];
  let found: Found = lock;
  let path = lockPath;
  while (found.state !== 'absent') {
    if (chain.length > CHAIN_LENGTH_MAX) throw locked(context, lockPath, undefined);
    if (found.state === 'finished') refuseLiving(context, lockPath, found.holder);
    chain.push({ path, key: found.key });
    path = join(context.directory, CLAIM_PREFIX + found.key);
    found = yield* look(context, path);
  }
  if (!(yield* create(context, path))) return false;
  chain.push({ path, key: context.nonce });
  if (!(yield* install(context, lockPath, chain))) {
    yield GO_ON;
    if (isHeldBy(context.vfs, path, context.nonce)) context.vfs.remove(path);
    return false;
  }
  yield* tidyUp(context);
  return true;
}

/** Steps 4 and 5: replaces LOCK by a complete file of our own, if the chain is as it was. */
function* install(context: LockContext, lockPath: string, chain: readonly Link[]): Steps<boolean> {
  const { vfs, directory, nonce } = context;
  const nextPath = join(directory, NEXT_PREFIX + nonce);
  yield GO_ON;
  const file = vfs.open(nextPath, 'create');
  try {
    file.write([encodeLockFile(holderOf(context.facts, nonce))], 0);
    file.sync();
  } finally {
    file.close();
  }
  const since = context.now();
  for (const link of chain) {
    yield GO_ON;
    const now = peek(vfs, link.path);
    if (now.state !== 'absent' && now.key === link.key) continue;
    removeIfThere(vfs, nextPath);
    return false;
  }
  yield GO_ON;
  if (context.now() - since > PROMPT_MS) {
    removeIfThere(vfs, nextPath);
    return false;
  }
  vfs.rename(nextPath, lockPath);
  vfs.syncDirectory(directory);
  return true;
}

/** Step 6. Whatever claim is here belongs to a lock that is gone: its maker will start over. */
function* tidyUp(context: LockContext): Steps<void> {
  for (const name of context.vfs.list(context.directory)) {
    if (!name.startsWith(CLAIM_PREFIX) && !name.startsWith(NEXT_PREFIX)) continue;
    yield GO_ON;
    removeIfThere(context.vfs, join(context.directory, name));
  }
}

function removeIfThere(vfs: Vfs, path: string): void {
  try {
    vfs.remove(path);
  } catch (error) {
    // Somebody else tidied up first.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function refuseLiving(context: LockContext, lockPath: string, holder: LockHolder): void {
  if (context.leftBehind?.has(holder.nonce) === true) return;
  const verdict = judgeHolder(holder, context.facts);
  if (verdict === 'stale') return;
  const note =
    verdict === 'foreign'
      ? '; it cannot be checked from this host or pid namespace (a container?): if it is gone, ' +
        `remove ${lockPath}`
      : '';
  throw locked(context, lockPath, holder, note);
}

export function locked(
  context: { directory: string },
  lockPath: string,
  holder: LockHolder | undefined,
  note = '',
): ManifoldError {
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid} on host ${holder.host}`;
  const message = `${context.directory}: the database is in use by ${who}${note}`;
  return new ManifoldError('ERR_MANIFOLD_LOCKED', message, { path: lockPath });
}

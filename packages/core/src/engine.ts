/**
 * State of one open database on the opening thread, shared by the stages: shared memory, page
 * manager, families, watermarks, limits. No behaviour of a stage lives here. Main thread.
 */
// Imported: the global of this name is an accessor, and every read asks for the pid.
import process from 'node:process';
import {
  FAILURE_NONE,
  LOG_FULL,
  ManifoldError,
  PROGRESS_APPLIED,
  PROGRESS_CHECKPOINT_DONE,
  PROGRESS_CHECKPOINTED,
  PROGRESS_CHECKPOINT_WANTED,
  PROGRESS_FAILURE,
  PROGRESS_SYNCED,
  PROGRESS_WRITTEN,
  REASON_ANY,
  REASON_REQUEST,
  THREAD_APPLY,
  loadWide,
  readFailure,
  ringBell,
  type Pager,
  type Shared,
  type Vfs,
} from '@manifold-db/storage';
import { Families } from './families.js';
import type { ViewSource } from './build/builder.js';
import type { BuildContext, TreeChanges } from './build/tree-changes.js';
import { hasWriteBuffer } from './options/index.js';
import { ReadMemory } from './read/context.js';
import type { Host } from './supervise/host.js';
import type { CommitMode, FailureStats, OptionsInForce, RecoveryReport } from './types.js';

export interface EngineParts {
  readonly path: string;
  readonly options: OptionsInForce;
  readonly shared: Shared;
  readonly pager: Pager;
  readonly vfs: Vfs;
  readonly host: Host;
}

const CHECKPOINTS_WAITED_FOR = 2;
/** Between two looks at the frames while other threads hold up their recycling. */
const FRAMES_LOOK_MS = 1;

const OPEN = 0;
const CLOSING = 1;
const CLOSED = 2;

export class Engine implements BuildContext {
  readonly path: string;
  readonly options: OptionsInForce;
  readonly mode: CommitMode;
  readonly shared: Shared;
  readonly pager: Pager;
  readonly memory: ReadMemory;
  readonly vfs: Vfs;
  readonly host: Host;
  readonly families: Families;
  readonly databaseId: Uint8Array;
  /** Commits go into a write buffer first. */
  readonly hasWriteBuffer: boolean;
  /** The newest version, as transactions start from it. */
  newest: ViewSource = (entry, view) => {
    view.showTree();
    this.families.readAdmitted(entry, view.root);
    return entry.exists;
  };
  /** Publishes what was synced meanwhile, in the mode where that is up to the main thread. */
  publishSynced = (): void => {};
  recovery: RecoveryReport | undefined;
  /** Other threads run: not while recovery replays, nor in a database opened for reading only. */
  hasWorkers = false;
  /** Page diffs of running optimistic transactions. */
  readonly privateChanges = new Set<TreeChanges>();
  /** Sequence of the newest admitted commit. */
  lastCommitted = 0;
  #state = OPEN;
  #operationOpen = false;
  readonly #pid = process.pid;

  constructor(parts: EngineParts, databaseId: Uint8Array) {
    this.path = parts.path;
    this.options = parts.options;
    this.mode = parts.options.mode;
    this.shared = parts.shared;
    this.pager = parts.pager;
    this.memory = new ReadMemory(parts.pager);
    this.vfs = parts.vfs;
    this.host = parts.host;
    this.families = new Families(parts.shared);
    this.databaseId = databaseId;
    this.hasWriteBuffer = hasWriteBuffer(parts.options);
  }

  // --- page operations --------------------------------------------------------------------------

  begin(): boolean {
    if (this.#operationOpen) return false;
    this.pager.beginOperation();
    return (this.#operationOpen = true);
  }

  end(opened: boolean): void {
    if (!opened) return;
    this.#operationOpen = false;
    this.pager.endOperation();
  }

  /** Dirty pages, at most, that are in no commit: no checkpoint makes them clean. */
  privatePageCount(): number {
    let count = 0;
    for (const { diff } of this.privateChanges) count += diff.unspilledCount;
    return count;
  }

  waitForFrames(pages: number): void {
    const { pager } = this;
    if (this.#spillPrivatePages() && pager.reserveFrames(pages)) return;
    if (this.hasWorkers) this.#waitForRoom(pages);
    if (this.hasFailed) throw this.poisonedError();
    if (pager.reservedFrames() >= pages) return;
    throw new ManifoldError(
      'ERR_MANIFOLD_FULL',
      'the pages of one operation do not fit the cache; open with a larger cacheBytes',
    );
  }

  /** Running transactions may be paused for long: who needs frames must not wait for their end. */
  #spillPrivatePages(): boolean {
    if (this.privatePageCount() === 0) return false;
    for (const changes of this.privateChanges) {
      try {
        changes.giveUpFrames();
      } catch (error) {
        // It keeps its frames, and others may give some; without, this caller is told so.
        if (!(error instanceof ManifoldError)) throw error;
      }
    }
    return true;
  }

  /**
   * Frames come from operations of other threads that end, from commits that are applied, and from
   * a checkpoint. Once everything is synced that was committed when the wait began, the second one
   * from there covers all of it. Those before do not count: commits may be far ahead of the fsync
   * worker.
   */
  #waitForRoom(pages: number): void {
    const { pager, shared } = this;
    const { progress, logSpace } = shared;
    const last = this.lastCommitted;
    let request: number | undefined;
    let checkpoints = 0;
    // The checkpoint needs some itself.
    pager.returnFrames();
    // Nobody rings when another thread ends its operation, so this looks again by itself.
    this.host.waitUntil(
      () => {
        // The checkpoint waits for that.
        this.publishSynced();
        if (this.hasFailed || pager.reserveFrames(pages)) return true;
        if (pager.retiredFrames() > 0) return false;
        if (request !== undefined) {
          const done = Atomics.load(progress, PROGRESS_CHECKPOINT_DONE);
          if (((done - request) | 0) < 0) return Atomics.load(logSpace, LOG_FULL) !== 0;
        }
        if (checkpoints === CHECKPOINTS_WAITED_FOR) return true;
        if (this.synced >= last) checkpoints++;
        request = this.requestCheckpoint();
        return false;
      },
      REASON_ANY,
      FRAMES_LOOK_MS,
    );
  }

  // --- watermarks -------------------------------------------------------------------------------

  get checkpointed(): number {
    return loadWide(this.shared.progress, PROGRESS_CHECKPOINTED);
  }

  get written(): number {
    return loadWide(this.shared.progress, PROGRESS_WRITTEN);
  }

  get synced(): number {
    return loadWide(this.shared.progress, PROGRESS_SYNCED);
  }

  get applied(): number {
    return loadWide(this.shared.progress, PROGRESS_APPLIED);
  }

  get hasFailed(): boolean {
    return Atomics.load(this.shared.progress, PROGRESS_FAILURE) !== FAILURE_NONE;
  }

  requestCheckpoint(): number {
    const before = Atomics.add(this.shared.progress, PROGRESS_CHECKPOINT_WANTED, 1);
    ringBell(this.shared.bells, THREAD_APPLY, REASON_REQUEST);
    return (before + 1) | 0;
  }

  // --- life -------------------------------------------------------------------------------------

  get isClosing(): boolean {
    return this.#state !== OPEN;
  }

  startClosing(): void {
    this.#state = CLOSING;
  }

  finishClosing(): void {
    this.#state = CLOSED;
  }

  assertReadable(): void {
    if (this.#state === CLOSED) throw closedError();
    // A forked process has the handle's objects, but not its threads.
    if (process.pid !== this.#pid) throw forkedError();
  }

  assertWritable(): void {
    const refusal = this.writeRefusal();
    if (refusal !== undefined) throw refusal;
  }

  /** Why no write is taken right now; writes reject with it. */
  writeRefusal(): ManifoldError | undefined {
    if (this.#state !== OPEN) return closedError();
    if (process.pid !== this.#pid) return forkedError();
    if (this.options.readOnly) {
      return new ManifoldError('ERR_MANIFOLD_READONLY', 'the database is open for reading only');
    }
    return this.hasFailed ? this.poisonedError() : undefined;
  }

  /** For commits that were appended but not synced when the database failed. */
  indeterminateError(sequence: number): ManifoldError {
    return new ManifoldError(
      'ERR_MANIFOLD_INDETERMINATE',
      `commit ${sequence} may or may not be there after reopening: ${this.#failureText()}`,
      { cause: this.#failureCause() },
    );
  }

  poisonedError(): ManifoldError {
    return new ManifoldError(
      'ERR_MANIFOLD_POISONED',
      `the database failed and takes no more writes; close and reopen it: ${this.#failureText()}`,
      { cause: this.#failureCause() },
    );
  }

  failure(): FailureStats | undefined {
    if (!this.hasFailed) return undefined;
    return { code: 'ERR_MANIFOLD_POISONED', message: this.#failureText() };
  }

  #failureText(): string {
    return readFailure(this.shared)?.text ?? 'no failure';
  }

  #failureCause(): Error {
    return new Error(this.#failureText());
  }
}

function forkedError(): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_FORKED',
    'this handle belongs to another process; open the database in the process that uses it',
  );
}

export function closedError(): ManifoldError {
  return new ManifoldError('ERR_MANIFOLD_CLOSED', 'the database is closed');
}

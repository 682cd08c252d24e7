/**
 * Admission: whether a new commit may be built now, and what holds it up if not. Every limit of the
 * pipeline that is not checked at the append is checked here, before the build. Main thread.
 */
import {
  FRAMES_DIRTY,
  LOG_FULL,
  LOG_PREPARED_SEGMENT,
  ManifoldError,
  PROGRESS_CHECKPOINT_DONE,
  PROGRESS_CHECKPOINT_WANTED,
  PROGRESS_MERGE_LEFT,
  QUEUE_POPPED,
  RING_CLAIMED,
  RING_CONSUMED,
  RING_RECORDS_MAX,
} from '@manifold-db/storage';
import type { ApplyBacklog } from '../stage-contracts.js';
import type { Engine } from '../engine.js';
import type { CommitStageName } from '../types.js';

/** Share of the frames that may wait for a checkpoint before new commits wait for it. */
const DIRTY_SHARE_MAX = 0.7;
/** Descriptors that stay free for the fragments of the commit that is admitted. */
const RECORDS_KEPT = 16;

export class Admission {
  readonly #engine: Engine;
  readonly #backlog: ApplyBacklog;
  readonly #dirtyMax: number;
  #pendingBytes = 0;
  #pendingCount = 0;
  #stamp = 0;
  readonly waits: Record<CommitStageName, number> = {
    BuildChanges: 0,
    AppendWal: 0,
    WaitForSync: 0,
    ApplyChanges: 0,
  };
  blockedCalls = 0;
  blockedMs = 0;

  constructor(engine: Engine, backlog: ApplyBacklog) {
    this.#engine = engine;
    this.#backlog = backlog;
    this.#dirtyMax = Math.floor(engine.pager.frameCount() * DIRTY_SHARE_MAX);
  }

  /**
   * Called before an operation is tried: what changes from here on is worth another try. Taken
   * afterwards, a change that came during the attempt would be missed, for its bell has rung.
   */
  beginAttempt(): void {
    this.#stamp = this.#currentStamp();
  }

  isOpen(): boolean {
    this.beginAttempt();
    const brake = this.brake();
    if (brake === undefined) return true;
    this.waits[brake]++;
    return false;
  }

  /** The stage that a new commit would have to wait for. */
  brake(): CommitStageName | undefined {
    const { shared, options } = this.#engine;
    const { ringControl } = shared;
    if (this.#backlog.isBusy) return 'WaitForSync';
    const inRing = (ringControl[RING_CLAIMED]! - Atomics.load(ringControl, RING_CONSUMED)) | 0;
    if (inRing > RING_RECORDS_MAX - RECORDS_KEPT) return 'WaitForSync';
    if (this.#backlog.pendingCount >= options.pendingCommitsMax) return 'ApplyChanges';
    if (!this.#backlog.hasQueueRoom()) return 'ApplyChanges';
    // A write buffer has bounds of its own; the apply worker sees to the frames of its merges.
    if (!this.#engine.hasWriteBuffer && this.#isMemoryFull()) {
      this.#wantCheckpoint();
      return 'ApplyChanges';
    }
    return undefined;
  }

  /**
   * Memory is full of changes, and the disk has no room for the checkpoint that would relieve it.
   */
  isDiskFull(): boolean {
    const { shared, hasWriteBuffer } = this.#engine;
    if (Atomics.load(shared.logSpace, LOG_FULL) === 0) return false;
    // With a write buffer this is asked when no generation is free.
    return hasWriteBuffer || this.#isMemoryFull();
  }

  /** Of what a checkpoint can make clean: a transaction may wait for this very commit. */
  #isMemoryFull(): boolean {
    const dirty = this.#engine.pager.dirtyFrames();
    if (dirty <= this.#dirtyMax) return false;
    return dirty - this.#engine.privatePageCount() > this.#dirtyMax;
  }

  #wantCheckpoint(): void {
    const { progress } = this.#engine.shared;
    const wanted = Atomics.load(progress, PROGRESS_CHECKPOINT_WANTED);
    const done = Atomics.load(progress, PROGRESS_CHECKPOINT_DONE);
    if (wanted === done) this.#engine.requestCheckpoint();
  }

  // --- operations that wait as copies -----------------------------------------------------------

  hasPendingRoom(bytes: number): boolean {
    // One operation always fits: a single one larger than the limit must get through. So does one
    // that holds nothing, behind it.
    if (this.#pendingCount === 0 || bytes === 0) return true;
    return this.#pendingBytes + bytes <= this.#bytesMax;
  }

  enter(bytes: number): void {
    this.#pendingBytes += bytes;
    this.#pendingCount++;
  }

  leave(bytes: number): void {
    this.#pendingBytes -= bytes;
    this.#pendingCount--;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  get #bytesMax(): number {
    return this.#engine.options.pendingBytesMax;
  }

  countWait(stage: CommitStageName): void {
    this.waits[stage]++;
  }

  countBlocked(ms: number): void {
    this.blockedCalls++;
    this.blockedMs += ms;
  }

  /** Whether anything that makes room has changed since the last attempt, or since this said so. */
  hasMoved(): boolean {
    const stamp = this.#currentStamp();
    const moved = stamp !== this.#stamp;
    this.#stamp = stamp;
    return moved;
  }

  #currentStamp(): number {
    const { ringControl, queueControl, logSpace, progress, pagesControl } = this.#engine.shared;
    let stamp = Atomics.load(ringControl, RING_CONSUMED);
    stamp = (Math.imul(stamp, 31) + Atomics.load(queueControl, QUEUE_POPPED)) | 0;
    stamp = (Math.imul(stamp, 31) + Atomics.load(logSpace, LOG_PREPARED_SEGMENT)) | 0;
    stamp = (Math.imul(stamp, 31) + Atomics.load(logSpace, LOG_FULL)) | 0;
    stamp = (Math.imul(stamp, 31) + Atomics.load(progress, PROGRESS_CHECKPOINT_DONE)) | 0;
    stamp = (Math.imul(stamp, 31) + Atomics.load(progress, PROGRESS_MERGE_LEFT)) | 0;
    stamp = (Math.imul(stamp, 31) + Atomics.load(pagesControl, FRAMES_DIRTY)) | 0;
    // A read of the synced view ends it too, without a bell.
    return (Math.imul(stamp, 31) + Number(this.#backlog.isBusy)) | 0;
  }
}

export function diskFullError(): ManifoldError {
  return new ManifoldError(
    'ERR_MANIFOLD_FULL',
    'no room on the disk for the log: the commit was refused; free some space and write again',
  );
}

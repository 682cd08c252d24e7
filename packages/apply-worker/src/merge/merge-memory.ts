/**
 * Page frames for a merge: sets them aside, writes pages of the merge early when too many frames
 * are dirty, and knows when nothing is left but to wait. Never blocks. Threads: apply worker 0.
 *
 * Invariants
 * 1. Who waits holds no frames: the checkpoint, and the other threads, need some to get on.
 * 2. A merge waits for frames only when it has no page left to write early. What it waits for then
 *    goes on without it: a checkpoint of this thread, operations and transactions of others.
 */
import { MIB, isShortOfCleanFrames, type Diff } from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DiskSpace } from '../disk-space.js';

/** With fewer dirty pages than this share of the frames, writing them early is left for later. */
const SPILL_SHARE = 16;

/** What `makeRoom` found. */
export const Room = {
  /** The frames are set aside. */
  READY: 0,
  /** Pages were written early; ask again. */
  WRITTEN: 1,
  /** Nothing can be done now: the disk is full, or frames have to come from elsewhere. */
  NONE: 2,
} as const;
export type Room = (typeof Room)[keyof typeof Room];

export class MergeMemory {
  /** Frames have to come from a checkpoint or from other threads. */
  isWaiting = false;
  readonly #context: ApplyContext;
  readonly #space: DiskSpace;
  readonly #pagesPerWrite: number;
  readonly #spillMin: number;

  constructor(context: ApplyContext, space: DiskSpace) {
    this.#context = context;
    this.#space = space;
    const { pager } = context;
    this.#pagesPerWrite = Math.max(1, Math.floor(MIB / pager.pageBytes));
    this.#spillMin = pager.frameCount() / SPILL_SHARE;
  }

  /**
   * Sets `frames` aside for the next changes of `diff`. Outside an operation; before pages are
   * written, `leavePages` makes the writers on the diff forget their positions.
   */
  makeRoom(diff: Diff, frames: number, leavePages: () => void): Room {
    const { pager } = this.#context;
    this.isWaiting = false;
    const isTight = isShortOfCleanFrames(pager) && diff.unspilledCount >= this.#spillMin;
    if (!isTight && pager.reserveFrames(frames)) return Room.READY;
    if (diff.unspilledCount > 0) {
      leavePages();
      const isWritten = this.#space.attempt('merge', () => {
        pager.spill(diff, this.#pagesPerWrite);
      });
      return isWritten ? Room.WRITTEN : Room.NONE;
    }
    pager.returnFrames();
    this.isWaiting = true;
    return Room.NONE;
  }
}

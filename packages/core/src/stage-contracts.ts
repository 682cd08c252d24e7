/**
 * What the stages know of one another: the stage folders do not import each other, they meet here
 * and in `commit.ts`.
 */
import type { Diff } from '@manifold-db/storage';

/** What admission needs to know of the apply stage. */
export interface ApplyBacklog {
  /** Commits appended and not yet released from the pending queue. */
  readonly pendingCount: number;
  hasQueueRoom(): boolean;
  /** Mode `sequential`: a commit is still under way. */
  readonly isBusy: boolean;
}

/** What the build stage hands on: the page diff and the new root rows. */
export interface BuiltChanges {
  readonly diff: Diff;
  /** PART_WORDS words per touched family: slot, root row. */
  readonly parts: Int32Array;
  readonly partCount: number;
}

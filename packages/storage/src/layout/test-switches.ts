/**
 * Bits of PROGRESS_TEST_SWITCH: bugs of the original, put back by the tests that must catch them.
 * The word is zero unless a test stores something there: no option of `open` reaches it, and
 * without MANIFOLD_CHECKS nobody looks at it. A switch is read outside hot loops, or only where
 * something went wrong already.
 */
import { COSTLY_CHECKS } from '../assert.js';
import type { Shared } from '../shared.js';
import { PROGRESS_TEST_SWITCH } from './progress.js';

/** B1: publishes the sequence that was assigned when the sync ended. */
export const TEST_SWITCH_OVER_ACKNOWLEDGE = 1 << 0;
/** B3: a failed sync wakes nobody. */
export const TEST_SWITCH_LOST_LEADER = 1 << 1;
/** B4: recycles log segments that are still needed. */
export const TEST_SWITCH_RECYCLE_EARLY = 1 << 2;
/** B7: the meta page is written before the pages are synced. */
export const TEST_SWITCH_PAGES_NOT_SYNCED = 1 << 3;
/** B8: frees pages that the durable checkpoint reaches. */
export const TEST_SWITCH_REUSE_EARLY = 1 << 4;
/** B9: goes on behind a failed write. */
export const TEST_SWITCH_APPEND_BEHIND_GARBAGE = 1 << 5;
/** B1: publishes the sequence that was assigned, not written, when the sync began. */
export const TEST_SWITCH_ASSIGNED_BEFORE_SYNC = 1 << 6;
/** B2: records stand in the file in another order than their sequences. */
export const TEST_SWITCH_OUT_OF_ORDER = 1 << 7;
/** B3: what is rung between the last look for work and the sleep is not heard. */
export const TEST_SWITCH_LOST_WAKE_UP = 1 << 8;
/** B5: the checkpoint publishes the roots that it froze, over newer ones. */
export const TEST_SWITCH_OLD_ROOTS = 1 << 9;
/** B5: the checkpoint takes families that were idle back to their previous roots. */
export const TEST_SWITCH_IDLE_FAMILIES_BACK = 1 << 10;
/** B6: the checkpoint knows only the families that were there at the start. */
export const TEST_SWITCH_FAMILIES_AT_START = 1 << 11;
/** B9: recovery leaves a torn tail where it is, and the log goes on behind it. */
export const TEST_SWITCH_TAIL_NOT_CUT = 1 << 12;
/** B10: whatever cannot be read in the log is taken for its tail. */
export const TEST_SWITCH_SILENT_CUT = 1 << 13;
/** B11: pages are used although their checksum, number or birth is wrong. */
export const TEST_SWITCH_PAGES_NOT_CHECKED = 1 << 14;
/** B11: an older checkpoint counts, even when the log that it needs is gone. */
export const TEST_SWITCH_OLDER_CHECKPOINT = 1 << 15;
/** B12: the data file is longer in the meta page than on the disk. */
export const TEST_SWITCH_GROWTH_NOT_WRITTEN = 1 << 16;
/** B12: the one meta page is overwritten in place. */
export const TEST_SWITCH_META_IN_PLACE = 1 << 17;
/** B13: recovery passes over the drop of a column family. */
export const TEST_SWITCH_DROP_NOT_REPLAYED = 1 << 18;
/** B13: a dropped column family stays in the catalog. */
export const TEST_SWITCH_DROP_NOT_CHECKPOINTED = 1 << 19;
/** B14: what a failed transaction had built stays there for the next one. */
export const TEST_SWITCH_FAILED_BUILD_KEPT = 1 << 20;
/** B14: a commit that may be there after reopening is reported as refused. */
export const TEST_SWITCH_FAILURE_IS_DEFINITE = 1 << 21;
/** B15: commits of durability `none` wait for the sync. */
export const TEST_SWITCH_NONE_WAITS = 1 << 22;

export function isTestSwitchOn(shared: Shared, bit: number): boolean {
  return COSTLY_CHECKS && (Atomics.load(shared.progress, PROGRESS_TEST_SWITCH) & bit) !== 0;
}

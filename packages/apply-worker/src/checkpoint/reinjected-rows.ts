/**
 * Bugs of the original that live in the root rows of a checkpoint, put back by tests
 * (`layout/test-switches.ts` of storage). Without a switch the checkpoint writes the rows that it
 * froze and publishes nothing. Threads: apply worker 0, once per checkpoint.
 */
import {
  FAMILY_LIVE,
  PROGRESS_APPLIED,
  ROOTS_STAGED,
  ROOT_STATE,
  ROOT_WORDS,
  RootRow,
  TEST_SWITCH_FAMILIES_AT_START,
  TEST_SWITCH_IDLE_FAMILIES_BACK,
  TEST_SWITCH_OLD_ROOTS,
  decodeRootRow,
  isTestSwitchOn,
  loadWide,
  publishRootSet,
  type Shared,
} from '@manifold-db/storage';
import type { FrozenVersion } from './frozen-version.js';

/** The rows that the catalog is brought to. */
export function rowsToWrite(
  shared: Shared,
  frozen: Int32Array,
  durable: Int32Array,
  slotsAtStart: number,
): Int32Array {
  // B6: families that were created later are unknown.
  if (isTestSwitchOn(shared, TEST_SWITCH_FAMILIES_AT_START)) {
    return frozen.subarray(0, slotsAtStart * ROOT_WORDS);
  }
  // B5: of the families that the checkpoint before knows, only that of the newest page moves on.
  if (isTestSwitchOn(shared, TEST_SWITCH_IDLE_FAMILIES_BACK)) return newestOnly(frozen, durable);
  return frozen;
}

function newestOnly(frozen: Int32Array, durable: Int32Array): Int32Array {
  const rows = frozen.slice();
  for (let at = 0; at < durable.length; at += ROOT_WORDS) {
    const isLive = durable[at + ROOT_STATE] === FAMILY_LIVE;
    if (isLive) rows.set(durable.subarray(at, at + ROOT_WORDS), at);
  }
  const row = new RootRow();
  let newest = 0;
  let birth = -1;
  for (let at = 0; at < frozen.length; at += ROOT_WORDS) {
    decodeRootRow(frozen, at, row);
    if (row.birth <= birth) continue;
    newest = at;
    birth = row.birth;
  }
  rows.set(frozen.subarray(newest, newest + ROOT_WORDS), newest);
  return rows;
}

/** B5: the frozen roots go over the live ones, newer commits or not. */
export function publishOldRoots(shared: Shared, frozen: FrozenVersion): void {
  if (!isTestSwitchOn(shared, TEST_SWITCH_OLD_ROOTS)) return;
  shared.roots.set(frozen.rows, ROOTS_STAGED);
  publishRootSet(shared, ROOTS_STAGED, loadWide(shared.progress, PROGRESS_APPLIED), frozen.mark);
}

/**
 * All bugs of part B of the traps (`TRAPS.md`), with the mutants that put them back here, or with
 * the reason why there is nothing to put back. Data of the proof `mutants`. Test thread.
 */
import {
  TEST_SWITCH_APPEND_BEHIND_GARBAGE,
  TEST_SWITCH_ASSIGNED_BEFORE_SYNC,
  TEST_SWITCH_DROP_NOT_CHECKPOINTED,
  TEST_SWITCH_DROP_NOT_REPLAYED,
  TEST_SWITCH_FAILED_BUILD_KEPT,
  TEST_SWITCH_FAILURE_IS_DEFINITE,
  TEST_SWITCH_FAMILIES_AT_START,
  TEST_SWITCH_GROWTH_NOT_WRITTEN,
  TEST_SWITCH_IDLE_FAMILIES_BACK,
  TEST_SWITCH_LOST_LEADER,
  TEST_SWITCH_LOST_WAKE_UP,
  TEST_SWITCH_META_IN_PLACE,
  TEST_SWITCH_NONE_WAITS,
  TEST_SWITCH_OLDER_CHECKPOINT,
  TEST_SWITCH_OLD_ROOTS,
  TEST_SWITCH_OUT_OF_ORDER,
  TEST_SWITCH_OVER_ACKNOWLEDGE,
  TEST_SWITCH_PAGES_NOT_CHECKED,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  TEST_SWITCH_RECYCLE_EARLY,
  TEST_SWITCH_REUSE_EARLY,
  TEST_SWITCH_SILENT_CUT,
  TEST_SWITCH_TAIL_NOT_CUT,
  type Vfs,
} from '@manifold-db/storage';
import * as crash from './crash-checks.js';
import * as failure from './failure-checks.js';
import type { Mutant } from './mutant.js';
import * as recovery from './recovery-checks.js';

export interface Trap {
  readonly trap: string;
  readonly bug: string;
  readonly mutants: readonly Mutant[];
  /** Parts of the bug that this design has no place for, and why. */
  readonly cannotBe?: string;
}

/** Segments get their names, and the names are never made durable. */
function withoutDirectorySync(vfs: Vfs): Vfs {
  let renamed = '';
  return {
    ...vfs,
    rename: (from, to) => {
      renamed = to;
      vfs.rename(from, to);
    },
    syncDirectory: (path) => {
      const isSegment = /wal-\d+/.test(renamed) && !renamed.includes('wal-0000000001');
      if (!isSegment) vfs.syncDirectory(path);
    },
  };
}

export const TRAPS: readonly Trap[] = [
  {
    trap: 'B1',
    bug: 'over-acknowledging',
    mutants: [
      {
        name: 'assigned-after-sync',
        switches: TEST_SWITCH_OVER_ACKNOWLEDGE,
        check: crash.unsyncedBytes,
        expected: /is lost|synced <= written/,
      },
      {
        name: 'assigned-before-sync',
        switches: TEST_SWITCH_ASSIGNED_BEFORE_SYNC,
        check: crash.unsyncedBytes,
        expected: /is lost|synced <= written/,
      },
    ],
    cannotBe:
      'written watermark read after the sync: the thread that syncs is the one that writes, so ' +
      'WRITTEN stands still meanwhile',
  },
  {
    trap: 'B2',
    bug: 'file order is not sequence order',
    mutants: [
      {
        name: 'out-of-order',
        switches: TEST_SWITCH_OUT_OF_ORDER,
        check: crash.unsyncedBytes,
        expected: /is lost|does not open.*CORRUPT|does not open.*log block|sequence/,
      },
    ],
  },
  {
    trap: 'B3',
    bug: 'lost leader, lost wake-up',
    mutants: [
      {
        name: 'lost-leader',
        switches: TEST_SWITCH_LOST_LEADER,
        check: failure.failingSync,
        expected: /stuck/,
      },
      {
        name: 'lost-wake-up',
        switches: TEST_SWITCH_LOST_WAKE_UP,
        check: failure.sleepingThread,
        expected: /only once another bell rang/,
        isOfOneMode: true,
      },
    ],
    cannotBe:
      'a flag that stays set: no caller leads a sync, the fsync worker is the leader for good; ' +
      'what is left of the bug are a failure nobody is told of and a bell nobody hears',
  },
  {
    trap: 'B4',
    bug: 'truncation races with append',
    mutants: [
      {
        name: 'recycle-early',
        switches: TEST_SWITCH_RECYCLE_EARLY,
        check: crash.fullSegments,
        expected: /the log segment is missing|is lost/,
      },
    ],
    cannotBe:
      'counters moved backwards: a checkpoint stores only CHECKPOINTED, whose sole writer it is',
  },
  {
    trap: 'B5',
    bug: 'the checkpoint puts old roots over the live database',
    mutants: [
      {
        name: 'old-roots',
        switches: TEST_SWITCH_OLD_ROOTS,
        check: crash.unsyncedBytes,
        expected: /is lost|differs|its parent expects|checksum|broken:/,
      },
      {
        name: 'idle-families-back',
        switches: TEST_SWITCH_IDLE_FAMILIES_BACK,
        check: crash.lastCheckpoint,
        expected: /is lost|differs|its parent expects|checksum|broken:|names in the catalog/,
      },
    ],
  },
  {
    trap: 'B6',
    bug: 'two owners: families created later are never checkpointed',
    mutants: [
      {
        name: 'families-at-start',
        switches: TEST_SWITCH_FAMILIES_AT_START,
        check: crash.lastCheckpoint,
        expected: /is lost|differs|there is no column family|broken:/,
      },
    ],
  },
  {
    trap: 'B7',
    bug: 'pages of durable commits were never synced',
    mutants: [
      {
        name: 'pages-not-synced',
        switches: TEST_SWITCH_PAGES_NOT_SYNCED,
        check: crash.singlePages,
        expected: /checksum|its parent expects|page \d+/,
      },
    ],
    cannotBe: 'log entries that hold only root pages: records carry the operations themselves',
  },
  {
    trap: 'B8',
    bug: 'pages of durable commits are reused',
    mutants: [
      {
        name: 'reuse-early',
        switches: TEST_SWITCH_REUSE_EARLY,
        check: crash.quietCheckpoints,
        expected: /its parent expects|checksum|differs/,
      },
    ],
  },
  {
    trap: 'B9',
    bug: 'garbage hides later commits',
    mutants: [
      {
        name: 'append-behind-garbage',
        switches: TEST_SWITCH_APPEND_BEHIND_GARBAGE,
        check: failure.failingWrite,
        expected: /was acknowledged and is lost/,
      },
      {
        name: 'tail-not-cut',
        switches: TEST_SWITCH_TAIL_NOT_CUT,
        check: recovery.tornTail,
        expected: /is lost|does not open/,
      },
    ],
  },
  {
    trap: 'B10',
    bug: 'a bad record in the middle is a silent cut',
    mutants: [
      {
        name: 'silent-cut',
        switches: TEST_SWITCH_SILENT_CUT,
        check: recovery.damagedLog,
        expected: /lost without a word/,
      },
    ],
  },
  {
    trap: 'B11',
    bug: 'recovery does not verify what it installs, and swaps to older data',
    mutants: [
      {
        name: 'pages-not-checked',
        switches: TEST_SWITCH_PAGES_NOT_CHECKED,
        check: recovery.damagedPages,
        expected: /lost without a word|no known kind/,
      },
      {
        name: 'older-checkpoint',
        switches: TEST_SWITCH_OLDER_CHECKPOINT,
        check: recovery.damagedMeta,
        expected: /lost without a word/,
      },
    ],
  },
  {
    trap: 'B12',
    bug: 'growth not persisted, header overwritten in place, directory never synced',
    mutants: [
      {
        name: 'growth-not-written',
        switches: TEST_SWITCH_GROWTH_NOT_WRITTEN,
        check: crash.unsyncedBytes,
        expected: /the file ends before its last page|behind the end|broken:/,
      },
      {
        name: 'meta-in-place',
        switches: TEST_SWITCH_META_IN_PLACE,
        check: crash.halfMetas,
        expected: /does not open|is lost/,
      },
      {
        name: 'directory-not-synced',
        switches: 0,
        wrap: withoutDirectorySync,
        check: crash.unsyncedNames,
        expected: /the log segment is missing|is lost/,
      },
    ],
  },
  {
    trap: 'B13',
    bug: 'dropping a family leaves its log entries',
    mutants: [
      {
        name: 'drop-not-replayed',
        switches: TEST_SWITCH_DROP_NOT_REPLAYED,
        check: crash.longReplay,
        expected: /created twice|differs/,
      },
      {
        name: 'drop-not-checkpointed',
        switches: TEST_SWITCH_DROP_NOT_CHECKPOINTED,
        check: crash.lastCheckpoint,
        expected: /differs|created twice|does not open|broken:/,
      },
    ],
  },
  {
    trap: 'B14',
    bug: 'a failed commit is ambiguous and not aborted',
    mutants: [
      {
        name: 'failed-build-kept',
        switches: TEST_SWITCH_FAILED_BUILD_KEPT,
        check: failure.throwingCallback,
        expected: /half of a failed transaction/,
      },
      {
        name: 'failure-is-definite',
        switches: TEST_SWITCH_FAILURE_IS_DEFINITE,
        check: failure.refusedCommits,
        expected: /was refused .* and is there/,
      },
    ],
  },
  {
    trap: 'B15',
    bug: 'durability none waits for the sync',
    mutants: [
      {
        name: 'none-waits',
        switches: TEST_SWITCH_NONE_WAITS,
        check: failure.stillDisk,
        expected: /durability none waits/,
      },
    ],
  },
  {
    trap: 'B16',
    bug: 'tests that could not fail',
    mutants: [],
    cannotBe:
      'a bug of tests, not of an engine: what stands against it is this proof, in which every ' +
      'check fails for a mutant and passes without it',
  },
];

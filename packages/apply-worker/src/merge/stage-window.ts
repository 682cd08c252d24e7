/**
 * A merged window becomes the staged version: rows, page account, mark, in one go. Threads: apply
 * worker 0, with no group open; also for slots that belong to peers, who touch theirs in a group.
 */
import {
  FREED_WORDS,
  encodeRootRow,
  stagedRowAt,
  type Diff,
  type Shared,
} from '@manifold-db/storage';
import type { PageSink } from '../drain.js';
import type { MergeWindow } from './merge-window.js';

const TWO_32 = 0x1_0000_0000;

export function stageWindow(shared: Shared, window: MergeWindow, pages: PageSink): void {
  for (const { slot, row } of window.rows) encodeRootRow(shared.roots, stagedRowAt(slot), row);
  accountPages(window.diff, window.end, pages);
}

/** The allocated ones first: some of them were superseded by the window itself. */
function accountPages(diff: Diff, sequence: number, pages: PageSink): void {
  const { allocated, allocatedCount, freed, freedCount } = diff;
  for (let i = 0; i < allocatedCount; i++) pages.allocated(allocated[i]!);
  for (let i = 0; i < freedCount * FREED_WORDS; i += FREED_WORDS) {
    pages.freed(freed[i]!, (freed[i + 1]! >>> 0) + freed[i + 2]! * TWO_32, sequence);
  }
}

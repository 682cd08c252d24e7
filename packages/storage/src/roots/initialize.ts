/**
 * First values of roots, queue counters and applied watermarks, from a checkpoint. Runs once, on
 * the opening thread, before any other thread attaches.
 */
import { assert } from '../assert.js';
import { PROGRESS_APPLIED, PROGRESS_CHECKPOINTED, PROGRESS_VIEW } from '../layout/progress.js';
import { QUEUE_CURSORS, QUEUE_CURSOR_WORDS, QUEUE_REACHED, QUEUE_TARGET } from '../layout/queue.js';
import {
  FAMILY_LIVE,
  ROOTS_ADMITTED,
  ROOTS_NEXT_ID,
  ROOTS_SLOTS,
  ROOTS_STAGED,
  ROOTS_TABLE_0,
  ROOTS_TABLE_1,
  ROOT_WORDS,
} from '../layout/roots.js';
import { COLUMN_FAMILIES_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { loadWide, storeWide } from '../sync/wide.js';
import { writeFamilyName } from './names.js';
import { initializeSetHeaders } from './published.js';
import { encodeRootRow, RootRow } from './rows.js';

/** A column family as the catalog of a checkpoint has it; its slot is its place in the list. */
export interface FamilyAtStart {
  readonly id: number;
  readonly name: string;
  readonly page: number;
  readonly birth: number;
  readonly count: number;
}

export interface VersionAtStart {
  /** Sequence of the checkpoint. */
  readonly sequence: number;
  /** Its birth counter. */
  readonly mark: number;
  readonly nextColumnFamilyId: number;
  readonly families: readonly FamilyAtStart[];
}

export function initializeVersion(shared: Shared, start: VersionAtStart): void {
  const { roots, queueControl, progress } = shared;
  assert(start.families.length <= COLUMN_FAMILIES_MAX, 'every column family has a slot');
  const row = new RootRow();
  start.families.forEach((family, slot) => {
    row.id = family.id;
    row.page = family.page;
    row.birth = family.birth;
    row.count = family.count;
    row.state = FAMILY_LIVE;
    writeFamilyName(shared, slot, family.name);
    for (const table of [ROOTS_ADMITTED, ROOTS_TABLE_0, ROOTS_TABLE_1, ROOTS_STAGED]) {
      encodeRootRow(roots, table + slot * ROOT_WORDS, row);
    }
  });
  roots[ROOTS_SLOTS] = start.families.length;
  storeWide(roots, ROOTS_NEXT_ID, start.nextColumnFamilyId);
  initializeSetHeaders(shared, start.sequence, start.mark);
  storeWide(queueControl, QUEUE_TARGET, start.sequence);
  for (let worker = 0; worker < shared.sizes.applyWorkers; worker++) {
    const reached = QUEUE_CURSORS + worker * QUEUE_CURSOR_WORDS + QUEUE_REACHED;
    storeWide(queueControl, reached, start.sequence);
  }
  storeWide(progress, PROGRESS_APPLIED, start.sequence);
  storeWide(progress, PROGRESS_CHECKPOINTED, start.sequence);
  storeWide(progress, PROGRESS_VIEW, start.sequence);
}

/** Next column family id. Raised under the append lock. */
export function nextColumnFamilyId(shared: Shared): number {
  return loadWide(shared.roots, ROOTS_NEXT_ID);
}

/** Under the append lock. */
export function storeNextColumnFamilyId(shared: Shared, id: number): void {
  storeWide(shared.roots, ROOTS_NEXT_ID, id);
}

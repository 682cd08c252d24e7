/**
 * What a checkpoint freezes in one step: a root set and everything about it that must not change
 * while the checkpoint runs beside newer commits. Private to apply worker 0.
 */
import {
  PROGRESS_CHECKPOINT_WANTED,
  PageBitmap,
  ROOTS_STAGED,
  ROOT_WORDS,
  nextColumnFamilyId,
  usedSlots,
  type Shared,
} from '@manifold-db/storage';
import type { PageAccount } from '../page-account.js';

export interface FrozenVersion {
  readonly sequence: number;
  readonly mark: number;
  /** Root rows, ROOT_WORDS per slot. */
  readonly rows: Int32Array;
  readonly nextColumnFamilyId: number;
  /** Pages of the version; the checkpoint adds its own and takes out those it replaces. */
  readonly inUse: PageBitmap;
  /** Chunks of the free map that differ from the durable one. */
  readonly changedChunks: PageBitmap;
  /** Pages that are not in the file and have to be, ascending. */
  readonly pages: Int32Array;
  /** Requests that this checkpoint answers. */
  readonly wanted: number;
}

/**
 * All workers stand at `sequence`, none goes on meanwhile. `alsoWrite`: pages outside the version
 * that are to be written with it.
 */
export function freeze(
  shared: Shared,
  account: PageAccount,
  sequence: number,
  mark: number,
  alsoWrite: readonly number[],
): FrozenVersion {
  // Before everything else: a request made from here on is answered by the next checkpoint.
  const wanted = Atomics.load(shared.progress, PROGRESS_CHECKPOINT_WANTED);
  const slots = usedSlots(shared);
  for (const page of alsoWrite) account.unwritten.add(page);
  const frozen: FrozenVersion = {
    sequence,
    mark,
    rows: shared.roots.slice(ROOTS_STAGED, ROOTS_STAGED + slots * ROOT_WORDS),
    nextColumnFamilyId: nextColumnFamilyId(shared),
    inUse: account.inUse.copy(),
    changedChunks: account.changedChunks,
    pages: account.unwritten.toArray(),
    wanted,
  };
  account.changedChunks = new PageBitmap();
  account.unwritten = new PageBitmap();
  return frozen;
}

/**
 * Shared-memory layout of the snapshots region (Int32Array): sequences that readers pin.
 *
 * | words           | name            | writer                                             |
 * |-----------------|-----------------|----------------------------------------------------|
 * | 0               | SNAPSHOTS_USED  | main: rows ever used (scan bound)                  |
 * | 1               | SNAPSHOTS_EPOCH | main (add): changes whenever a row changes         |
 * | 16 + 8 * row    | row             | main                                               |
 *
 * Row: 0 SNAPSHOT_STATE (0 free, 1 pinned; stored last when pinning, first when freeing),
 * 1, 2 sequence (wide), 3, 4 mark (wide): pages with birth < mark and superseded after the sequence
 * belong to the snapshot. A row is pinned by the thread that also builds commits, between two
 * commits, so no later commit can free a page before the row is visible.
 */
import { SNAPSHOT_SLOTS_MAX } from '../limits.js';

export const SNAPSHOTS_USED = 0;
export const SNAPSHOTS_EPOCH = 1;
export const SNAPSHOT_ROWS = 16;
export const SNAPSHOT_WORDS = 8;
export const SNAPSHOT_STATE = 0;
export const SNAPSHOT_SEQUENCE = 1;
export const SNAPSHOT_MARK = 3;
export const SNAPSHOT_FREE = 0;
export const SNAPSHOT_PINNED = 1;
export const SNAPSHOTS_BYTES =
  (SNAPSHOT_ROWS + SNAPSHOT_SLOTS_MAX * SNAPSHOT_WORDS) * Int32Array.BYTES_PER_ELEMENT;

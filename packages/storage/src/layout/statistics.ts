/**
 * Shared-memory layout of the statistics region (Float64Array): figures for `stats()`, never used
 * for a decision. Each has one writer; values are plain stores of whole numbers.
 *
 * | rows     | writer         |
 * |----------|----------------|
 * | STAT_WAL | fsync worker   |
 * | STAT_APPLY | apply worker 0 |
 */
export const STAT_SYNCS = 0;
export const STAT_BLOCKS = 1;
export const STAT_LOG_BYTES = 2;
export const STAT_SYNC_NS = 3;
export const STAT_WRITE_NS = 4;
export const STAT_RECORDS = 5;
/** Nanoseconds of writing and syncing of the newest group, and its commits. */
export const STAT_GROUP_NS = 6;
export const STAT_GROUPS = 7;

export const STAT_APPLY_NS = 16;
export const STAT_APPLY_COMMITS = 17;
export const STAT_CHECKPOINTS = 18;
export const STAT_CHECKPOINT_PAGES = 19;
export const STAT_CHECKPOINT_BYTES = 20;
export const STAT_CHECKPOINT_NS = 21;
export const STAT_SEGMENTS_CREATED = 22;
export const STAT_SEGMENTS_RECYCLED = 23;
export const STAT_PINNED_PAGES = 24;
export const STAT_FREE_PAGES = 25;
export const STAT_LIVE_PAGES = 26;
/** Generations merged, their commits, the entries that went into the trees, their bytes. */
export const STAT_MERGES = 27;
export const STAT_MERGE_COMMITS = 28;
export const STAT_MERGE_ENTRIES = 29;
export const STAT_MERGE_BYTES = 30;
export const STAT_MERGE_NS = 31;
export const STATISTICS_BYTES = 64 * Float64Array.BYTES_PER_ELEMENT;

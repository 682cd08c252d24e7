/**
 * Shared-memory layout of the log-space region (Int32Array). Segment numbers are below 2^31.
 *
 * | word | name                 | writer                        | rings     |
 * |------|----------------------|-------------------------------|-----------|
 * | 0    | LOG_PREPARED_SEGMENT | apply worker 0                | main, WAL |
 * | 16   | LOG_WRITING_SEGMENT  | fsync worker                  | apply 0   |
 * | 17   | LOG_WRITING_OFFSET   | fsync worker                  |           |
 * | 32   | LOG_OLDEST_SEGMENT   | apply worker 0                |           |
 * | 48   | LOG_WANTED_SEGMENTS  | holder of the append lock     | apply 0   |
 * | 49   | LOG_FULL             | apply worker 0                | main      |
 *
 * PREPARED: highest segment ready for records (full size, header written, synced, renamed,
 * directory synced). WRITING: where the next block goes. OLDEST: oldest segment still needed.
 * WANTED: segments ahead that a waiting claim needs. FULL: 1 while the disk has no room for
 * segments or a checkpoint.
 *
 * Rows of the segment table: SEGMENT_ROWS wide counters, row = segment number mod SEGMENT_ROWS:
 * last sequence that the segment holds, written by the fsync worker when it leaves the segment.
 */
export const LOG_PREPARED_SEGMENT = 0;
export const LOG_WRITING_SEGMENT = 16;
export const LOG_WRITING_OFFSET = 17;
export const LOG_OLDEST_SEGMENT = 32;
export const LOG_WANTED_SEGMENTS = 48;
export const LOG_FULL = 49;
export const LOG_SEGMENT_ROWS = 64;
export const SEGMENT_ROWS = 1024;
export const LOG_SPACE_BYTES = (LOG_SEGMENT_ROWS + SEGMENT_ROWS * 2) * Int32Array.BYTES_PER_ELEMENT;

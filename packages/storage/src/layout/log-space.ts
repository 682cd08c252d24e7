/**
 * Shared-memory layout of the log-space region (Int32Array). Segment numbers are below 2^31.
 *
 * | word | name                   | writer                                              | rings |
 * |------|------------------------|-----------------------------------------------------|-------|
 * | 0    | LOG_PREPARED_SEGMENT   | apply worker 0: highest segment ready for records: zero-filled, header written, synced, renamed, directory synced | main, WAL |
 * | 1    | LOG_WRITING_SEGMENT    | fsync worker: segment it appends to                 | apply 0 |
 * | 2    | LOG_WRITING_OFFSET     | fsync worker: next offset in it                     |       |
 * | 3    | LOG_OLDEST_SEGMENT     | apply worker 0: oldest segment still needed         |       |
 * | 4    | LOG_WANTED_SEGMENTS    | holder of the append lock: segments ahead that a waiting claim needs | apply 0 |
 * | 5    | LOG_FULL_ERRNO         | apply worker 0: 0, or 1 while segments cannot be prepared for want of disk space | main |
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
export const LOG_SPACE_BYTES =
  (LOG_SEGMENT_ROWS + SEGMENT_ROWS * 2) * Int32Array.BYTES_PER_ELEMENT;

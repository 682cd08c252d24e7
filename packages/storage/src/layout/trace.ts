/**
 * Shared-memory layout of the trace region: when which thread worked on which stage. It is there
 * only when whoever opens the database hands one over; no decision ever depends on it.
 *
 * Control (Int32Array): number of rows in each section, on its own 64-byte line
 * | word | name         | writer         |
 * |------|--------------|----------------|
 * | 0    | TRACE_MAIN   | main thread    |
 * | 16   | TRACE_WAL    | fsync worker   |
 * | 32   | TRACE_APPLY  | apply worker 0 |
 *
 * Rows (Float64Array) follow, section after section, each as long as the other. A row is stored
 * before the number that counts it, and a section that is full takes no more.
 *
 * | word | name          |
 * |------|---------------|
 * | 0    | TRACE_SPAN    | one of TRACE_BUILD...
 * | 1, 2 | TRACE_START, TRACE_END: microseconds of the clock that all threads share |
 * | 3, 4 | TRACE_FIRST, TRACE_LAST: sequences of the commits it was for; none when LAST < FIRST |
 */

/** Sections, named by their control word. */
export const TRACE_MAIN = 0;
export const TRACE_WAL = 16;
export const TRACE_APPLY = 32;
export const TRACE_SECTIONS = 3;
export const TRACE_SECTION_WORDS = 16;
export const TRACE_CONTROL_BYTES =
  TRACE_SECTIONS * TRACE_SECTION_WORDS * Int32Array.BYTES_PER_ELEMENT;

export const TRACE_SPAN = 0;
export const TRACE_START = 1;
export const TRACE_END = 2;
export const TRACE_FIRST = 3;
export const TRACE_LAST = 4;
export const TRACE_ROW_WORDS = 5;
export const TRACE_ROW_BYTES = TRACE_ROW_WORDS * Float64Array.BYTES_PER_ELEMENT;

/** Values of TRACE_SPAN: the seed's stages, the third one in its two parts. */
export const TRACE_BUILD_CHANGES = 1;
export const TRACE_APPEND_WAL = 2;
/** WaitForSync: the group is written to the log. */
export const TRACE_WRITE = 3;
/** WaitForSync: the log is synced. */
export const TRACE_SYNC = 4;
export const TRACE_APPLY_CHANGES = 5;

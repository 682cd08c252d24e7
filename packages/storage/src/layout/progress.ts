/**
 * Shared-memory layout of the progress region (Int32Array): the watermarks of the pipeline and the
 * failure word. Each counter is a wide counter (`sync/wide.ts`) on its own 64-byte line.
 *
 *   checkpointed ≤ applied ≤ synced ≤ written ≤ appended
 *   (modes `async-wal`: `applied` may run ahead of `synced`, in memory only)
 *
 * | name             | writer                                                       | rings    |
 * |------------------|--------------------------------------------------------------|----------|
 * | APPENDED         | holder of the append lock                                    | WAL      |
 * | WRITTEN          | fsync worker                                                 | main     |
 * | SYNCED           | fsync worker                                                 | main, apply |
 * | APPLIED          | apply worker 0; main in modes `sequential` and `async-wal`   | main     |
 * | CHECKPOINTED     | apply worker 0                                               | main     |
 * | FAILURE          | first writer wins (compareExchange from FAILURE_NONE)        | everyone |
 * | FAILURE_DETAIL   | the winner: bytes of UTF-8 text in the failure-text region   |          |
 * | CHECKPOINT_WANTED| any user thread (Atomics.add)                                | apply 0  |
 * | CHECKPOINT_DONE  | apply worker 0: the WANTED value its last checkpoint covers  | main     |
 * | SHUTDOWN         | main: stage of the orderly shutdown                          | workers  |
 * | READY            | workers (Atomics.add), once each                             | main     |
 * | VIEW             | main, mode `buffered`: sequence of the root set that its reads stand on; snapshots below it have moved to a root set of their own | apply 0 |
 * | MERGE_WANTED     | main, mode `buffered`: sequence up to which sealed generations are to be merged now | apply 0 |
 * | MERGE_LEFT       | apply worker 0, mode `buffered`: how much of the running merge is left, of MERGE_WHOLE; 0 while none runs | main |
 * | THREAD_IDS       | each worker, once: what the operating system knows it by; 0 where it does not say; one word a thread, at the thread's number | |
 * | FORCE_SWITCH     | main: test-only switches (`layout/test-switches.ts`)       |          |
 */
import { THREADS_MAX } from '../limits.js';

export const PROGRESS_APPENDED = 0;
export const PROGRESS_WRITTEN = 16;
export const PROGRESS_SYNCED = 32;
export const PROGRESS_APPLIED = 48;
export const PROGRESS_CHECKPOINTED = 64;
export const PROGRESS_FAILURE = 80;
export const PROGRESS_FAILURE_DETAIL = 81;
export const PROGRESS_CHECKPOINT_WANTED = 96;
export const PROGRESS_CHECKPOINT_DONE = 97;
export const PROGRESS_SHUTDOWN = 98;
export const PROGRESS_READY = 99;
export const PROGRESS_TEST_SWITCH = 112;
export const PROGRESS_VIEW = 128;
export const PROGRESS_MERGE_WANTED = 144;
export const PROGRESS_MERGE_LEFT = 160;
export const PROGRESS_THREAD_IDS = 176;
export const PROGRESS_BYTES = (PROGRESS_THREAD_IDS + THREADS_MAX) * Int32Array.BYTES_PER_ELEMENT;

/** PROGRESS_MERGE_LEFT of a merge that has just begun. */
export const MERGE_WHOLE = 1024;

/** Values of PROGRESS_FAILURE. */
export const FAILURE_NONE = 0;
export const FAILURE_SYNC = 1;
export const FAILURE_LOG_WRITE = 2;
export const FAILURE_DATA_WRITE = 3;
export const FAILURE_WORKER = 4;
export const FAILURE_LOCK_LOST = 5;
export const FAILURE_CORRUPT = 6;

/** Values of PROGRESS_SHUTDOWN. */
export const RUNNING = 0;
/** Workers finish what is there, apply worker 0 takes a last checkpoint, then all stop. */
export const SHUTDOWN_DRAIN = 1;
/** Workers stop after the step they are in (after a failure, or when opening failed). */
export const SHUTDOWN_NOW = 2;

export const FAILURE_TEXT_BYTES = 4096;

/** Reads what was traced so far; while the database is open or afterwards. Threads: any. */
import {
  TRACE_APPLY,
  TRACE_APPEND_WAL,
  TRACE_APPLY_CHANGES,
  TRACE_BUILD_CHANGES,
  TRACE_CONTROL_BYTES,
  TRACE_END,
  TRACE_FIRST,
  TRACE_LAST,
  TRACE_MAIN,
  TRACE_ROW_WORDS,
  TRACE_SPAN,
  TRACE_START,
  TRACE_SYNC,
  TRACE_WAL,
  TRACE_WRITE,
} from '../layout/trace.js';
import { traceRowsPerSection, traceSectionStart } from './trace-writer.js';

const THREADS = [
  ['main', TRACE_MAIN],
  ['wal', TRACE_WAL],
  ['apply', TRACE_APPLY],
] as const;
export type TraceThread = (typeof THREADS)[number][0];

const SPANS = {
  [TRACE_BUILD_CHANGES]: 'build',
  [TRACE_APPEND_WAL]: 'append',
  [TRACE_WRITE]: 'write',
  [TRACE_SYNC]: 'sync',
  [TRACE_APPLY_CHANGES]: 'apply',
} as const;
export type TraceSpanName = (typeof SPANS)[keyof typeof SPANS];

export interface TraceSpan {
  readonly thread: TraceThread;
  readonly span: TraceSpanName;
  /** Microseconds of one clock for all threads, from no particular moment on. */
  readonly startUs: number;
  readonly endUs: number;
  /** Sequences of the commits it was for; none when `last` is before `first`. */
  readonly first: number;
  readonly last: number;
}

/** Thread by thread, each in the order in which its spans ended. */
export function readTrace(region: SharedArrayBuffer): TraceSpan[] {
  const counts = new Int32Array(region, 0, TRACE_CONTROL_BYTES / Int32Array.BYTES_PER_ELEMENT);
  const rows = new Float64Array(region, TRACE_CONTROL_BYTES);
  const rowsPerSection = traceRowsPerSection(region);
  return THREADS.flatMap(([thread, section]) => {
    const start = traceSectionStart(section, rowsPerSection);
    return Array.from({ length: Atomics.load(counts, section) }, (_, row) => {
      const at = start + row * TRACE_ROW_WORDS;
      return {
        thread,
        span: SPANS[rows[at + TRACE_SPAN] as keyof typeof SPANS],
        startUs: rows[at + TRACE_START]!,
        endUs: rows[at + TRACE_END]!,
        first: rows[at + TRACE_FIRST]!,
        last: rows[at + TRACE_LAST]!,
      };
    });
  });
}

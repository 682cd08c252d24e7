/**
 * Writes one section of the trace (`layout/trace.ts`). Threads: main, fsync worker, apply worker 0,
 * each with a writer of its own. Who has none pays the look whether there is one.
 *
 * Invariants
 * 1. One writer per section: the count is its own, and is stored after the row that it counts.
 * 2. A full section stays as it is: the trace shows the beginning, whole.
 */
import {
  TRACE_CONTROL_BYTES,
  TRACE_ROW_BYTES,
  TRACE_ROW_WORDS,
  TRACE_SECTIONS,
  TRACE_SECTION_WORDS,
} from '../layout/trace.js';
import { assert } from '../assert.js';

const US_PER_SECOND = 1e6;
const NS_PER_US = 1e3;

/** A region for `rowsPerSection` spans of each thread. */
export function createTraceRegion(rowsPerSection: number): SharedArrayBuffer {
  assert(rowsPerSection > 0, 'a trace holds something');
  return new SharedArrayBuffer(
    TRACE_CONTROL_BYTES + TRACE_SECTIONS * rowsPerSection * TRACE_ROW_BYTES,
  );
}

export function traceRowsPerSection(region: SharedArrayBuffer): number {
  return (region.byteLength - TRACE_CONTROL_BYTES) / (TRACE_SECTIONS * TRACE_ROW_BYTES);
}

/** Word of the first row of a section. */
export function traceSectionStart(section: number, rowsPerSection: number): number {
  return (section / TRACE_SECTION_WORDS) * rowsPerSection * TRACE_ROW_WORDS;
}

/** Microseconds; `performance.now()` counts from another moment in every thread, this does not. */
export function traceClockUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * US_PER_SECOND + nanoseconds / NS_PER_US;
}

export class TraceWriter {
  readonly #counts: Int32Array;
  readonly #rows: Float64Array;
  readonly #section: number;
  readonly #start: number;
  readonly #rowsMax: number;
  #count = 0;
  /** Of the span that is open. */
  #startUs = 0;
  #first = 0;

  /** `section`: TRACE_MAIN, TRACE_WAL or TRACE_APPLY. */
  constructor(region: SharedArrayBuffer, section: number) {
    this.#counts = new Int32Array(region, 0, TRACE_CONTROL_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#rows = new Float64Array(region, TRACE_CONTROL_BYTES);
    this.#section = section;
    this.#rowsMax = traceRowsPerSection(region);
    this.#start = traceSectionStart(section, this.#rowsMax);
  }

  /** Begins a span, for the commits behind sequence `after`; a span begun before is forgotten. */
  begin(after: number): void {
    this.#first = after + 1;
    this.#startUs = traceClockUs();
  }

  /** Ends the span that was begun; it was for the commits up to `last`. */
  end(span: number, last: number): void {
    this.record(span, this.#startUs, traceClockUs(), this.#first, last);
  }

  record(span: number, startUs: number, endUs: number, first: number, last: number): void {
    if (this.#count === this.#rowsMax) return;
    const rows = this.#rows;
    let at = this.#start + this.#count * TRACE_ROW_WORDS;
    rows[at++] = span;
    rows[at++] = startUs;
    rows[at++] = endUs;
    rows[at++] = first;
    rows[at] = last;
    // Publishes the row (invariant 1).
    Atomics.store(this.#counts, this.#section, ++this.#count);
  }
}

/** The writer of this thread, if a trace was asked for. */
export function traceWriterFor(
  shared: { readonly trace: SharedArrayBuffer | undefined },
  section: number,
): TraceWriter | undefined {
  return shared.trace === undefined ? undefined : new TraceWriter(shared.trace, section);
}

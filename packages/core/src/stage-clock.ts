/**
 * What build and append cost on the main thread, summed up, and traced if someone asked for that;
 * the other two stages are measured by their workers (`layout/statistics.ts`). Main thread.
 */
import {
  TRACE_APPEND_WAL,
  TRACE_BUILD_CHANGES,
  TRACE_MAIN,
  traceClockUs,
  traceWriterFor,
  type Shared,
  type TraceWriter,
} from '@manifold-db/storage';

const NS_PER_MS = 1e6;

export class StageClock {
  commits = 0;
  buildNs = 0;
  appendNs = 0;
  #mark = 0;
  /** The one writer of this thread's section. */
  readonly trace: TraceWriter | undefined;
  #startUs = 0;
  #builtUs = 0;

  constructor(shared: Shared) {
    this.trace = traceWriterFor(shared, TRACE_MAIN);
  }

  start(): void {
    if (this.trace !== undefined) this.#startUs = traceClockUs();
    this.#mark = performance.now();
  }

  built(): void {
    const now = performance.now();
    this.buildNs += (now - this.#mark) * NS_PER_MS;
    this.#mark = now;
    if (this.trace !== undefined) this.#builtUs = traceClockUs();
  }

  appended(sequence: number): void {
    this.appendNs += (performance.now() - this.#mark) * NS_PER_MS;
    this.commits++;
    if (this.trace !== undefined) this.#record(this.trace, sequence);
  }

  /** A build has no sequence before it is appended: both rows are written here. */
  #record(trace: TraceWriter, sequence: number): void {
    const builtUs = this.#builtUs;
    trace.record(TRACE_BUILD_CHANGES, this.#startUs, builtUs, sequence, sequence);
    trace.record(TRACE_APPEND_WAL, builtUs, traceClockUs(), sequence, sequence);
  }
}

/**
 * The log-space words: first values, and which segments a checkpoint no longer needs. Layout:
 * `layout/log-space.ts`.
 */
import {
  LOG_OLDEST_SEGMENT,
  LOG_PREPARED_SEGMENT,
  LOG_SEGMENT_ROWS,
  LOG_WRITING_OFFSET,
  LOG_WRITING_SEGMENT,
  SEGMENT_ROWS,
} from '../layout/log-space.js';
import { PROGRESS_APPENDED, PROGRESS_SYNCED, PROGRESS_WRITTEN } from '../layout/progress.js';
import type { Shared } from '../shared.js';
import { loadWide, storeWide } from '../sync/wide.js';

export interface LogAtStart {
  /** Oldest live segment. */
  readonly oldestSegment: number;
  /** Where the next block goes. */
  readonly writingSegment: number;
  readonly writingOffset: number;
  /** Highest segment that is ready; all numbers between it and the writing one are. */
  readonly preparedSegment: number;
  /** Last sequence in the log. */
  readonly lastSequence: number;
}

/** Runs once, on the opening thread, before any other thread attaches. */
export function initializeLogSpace(shared: Shared, start: LogAtStart): void {
  const { logSpace, progress } = shared;
  logSpace[LOG_OLDEST_SEGMENT] = start.oldestSegment;
  logSpace[LOG_WRITING_SEGMENT] = start.writingSegment;
  logSpace[LOG_WRITING_OFFSET] = start.writingOffset;
  logSpace[LOG_PREPARED_SEGMENT] = start.preparedSegment;
  // Which sequence a finished segment of the run before ends with is not known any more; all of
  // them may go once everything recovered is in a checkpoint.
  for (let segment = start.oldestSegment; segment < start.writingSegment; segment++) {
    storeWide(logSpace, segmentRowAt(segment), start.lastSequence);
  }
  for (const word of [PROGRESS_APPENDED, PROGRESS_WRITTEN, PROGRESS_SYNCED]) {
    storeWide(progress, word, start.lastSequence);
  }
}

/** Word of the wide counter: last sequence that a finished segment holds. */
export function segmentRowAt(segmentNumber: number): number {
  return LOG_SEGMENT_ROWS + (segmentNumber % SEGMENT_ROWS) * 2;
}

/** Oldest segment that recovery from a checkpoint of `sequence` may need. */
export function oldestNeededSegment(shared: Shared, sequence: number): number {
  const { logSpace } = shared;
  let segment = Atomics.load(logSpace, LOG_OLDEST_SEGMENT);
  // Loaded before the rows: the fsync worker stores a segment's row before it leaves the segment.
  const writing = Atomics.load(logSpace, LOG_WRITING_SEGMENT);
  while (segment < writing && loadWide(logSpace, segmentRowAt(segment)) <= sequence) segment++;
  return segment;
}

/** What the timeline shows, as numbers: read from a row of the suite `timeline`. */
import { isRow, numberOf, rowsOf, textOf, type Row } from './rows.js';

export const LANES = [
  { name: 'main', label: 'main', below: 'thread' },
  { name: 'wal', label: 'fsync', below: 'worker' },
  { name: 'apply', label: 'apply', below: 'worker' },
] as const;

export interface DrawnSpan {
  readonly lane: string;
  readonly stage: string;
  readonly part: string | undefined;
  readonly startUs: number;
  readonly endUs: number;
  readonly first: number;
  readonly last: number;
}

export interface DrawnRun {
  readonly mode: string;
  readonly commits: number;
  readonly batchOps: number;
  readonly inFlight: number;
  readonly addedSyncLatencyUs: number;
  readonly writeBufferBytes: number | undefined;
  readonly elapsedUs: number;
  readonly spans: readonly DrawnSpan[];
}

function spanOf(row: Row): DrawnSpan | undefined {
  const [startUs, endUs] = [numberOf(row, 'startUs'), numberOf(row, 'endUs')];
  const [first, last] = [numberOf(row, 'first'), numberOf(row, 'last')];
  const [lane, stage] = [textOf(row, 'lane'), textOf(row, 'stage')];
  if (startUs === undefined || endUs === undefined || first === undefined) return undefined;
  if (last === undefined || lane === undefined || stage === undefined) return undefined;
  return { lane, stage, part: textOf(row, 'part'), startUs, endUs, first, last };
}

export function drawnRun(row: Row): DrawnRun | undefined {
  const [mode, commits] = [textOf(row, 'mode'), numberOf(row, 'commits')];
  const elapsedUs = numberOf(row, 'elapsedUs');
  if (!isRow(row) || mode === undefined || commits === undefined || !elapsedUs) return undefined;
  return {
    mode,
    commits,
    elapsedUs,
    batchOps: numberOf(row, 'batchOps') ?? 0,
    inFlight: numberOf(row, 'inFlight') ?? 0,
    addedSyncLatencyUs: numberOf(row, 'addedSyncLatencyUs') ?? 0,
    writeBufferBytes: numberOf(row, 'writeBufferBytes'),
    spans: rowsOf(row, 'spans').flatMap((span) => spanOf(span) ?? []),
  };
}

/** The span of that kind that the commit was in. */
export function spanFor(
  run: DrawnRun,
  commit: number,
  stage: string,
  part?: string,
): DrawnSpan | undefined {
  return run.spans.find((span) => {
    const isKind = span.stage === stage && span.part === part;
    return isKind && span.first <= commit && commit <= span.last;
  });
}

/** Commits of the picture that were durable `atUs` microseconds after it begins. */
export function syncedBy(run: DrawnRun, atUs: number): number {
  const done = run.spans.filter(({ part, endUs }) => part === 'sync' && endUs <= atUs);
  return Math.min(run.commits, Math.max(0, ...done.map(({ last }) => last)));
}

/** Share of the picture in which the lane worked. */
export function busyShare(run: DrawnRun, lane: string): number {
  const worked = run.spans
    .filter((span) => span.lane === lane)
    .map(({ startUs, endUs }) => Math.min(endUs, run.elapsedUs) - Math.max(startUs, 0));
  return worked.reduce((sum, us) => sum + Math.max(0, us), 0) / run.elapsedUs;
}

/** Mean length of the spans of that kind, and mean number of commits in each. */
export function meanOf(run: DrawnRun, stage: string, part?: string) {
  const found = run.spans.filter((span) => span.stage === stage && span.part === part);
  if (found.length === 0) return undefined;
  const us = found.reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0);
  const commits = found.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return { us: us / found.length, commits: commits / found.length };
}

/** What one traced run is asked for, and what comes out of it: the spans of a stretch of commits. */
import type { TraceSpan, TraceThread } from '@manifold-db/storage';
import type { LadderMode } from '../arguments.js';
import { rounded } from '../figures.js';

/** The seed's stages. */
export const STAGES = ['BuildChanges', 'AppendWal', 'WaitForSync', 'ApplyChanges'] as const;
export type StageName = (typeof STAGES)[number];

export interface TimelineParameters {
  readonly mode: LadderMode;
  readonly batchOps: number;
  readonly addedSyncLatencyUs: number;
  /** Commits in the picture. */
  readonly commits: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

/** One bar of the picture. */
export interface TimelineSpan {
  readonly lane: TraceThread;
  readonly stage: StageName;
  /** Of WaitForSync: writing to the log, or syncing it. */
  readonly part: 'write' | 'sync' | null;
  /** Microseconds since the first commit of the picture began. */
  readonly startUs: number;
  readonly endUs: number;
  /** Commits, the first one of the picture being 1; those before it have smaller numbers. */
  readonly first: number;
  readonly last: number;
}

export interface TimelineRun {
  readonly engine: 'manifold';
  readonly mode: LadderMode;
  readonly durability: 'immediate';
  readonly batchOps: number;
  readonly inFlight: number;
  readonly addedSyncLatencyUs: number;
  readonly commits: number;
  /** Until the last of them was synced. */
  readonly elapsedUs: number;
  readonly spans: readonly TimelineSpan[];
}

const STAGE_OF = {
  build: 'BuildChanges',
  append: 'AppendWal',
  write: 'WaitForSync',
  sync: 'WaitForSync',
  apply: 'ApplyChanges',
} as const;

/** A number of commits in a row, and the time from the first build to the last sync. */
interface Stretch {
  readonly firstSequence: number;
  readonly startUs: number;
  readonly syncedUs: number;
}

function stretchesOf(
  spans: readonly TraceSpan[],
  { firstSequence, lastSequence }: { firstSequence: number; lastSequence: number },
  commits: number,
): Stretch[] {
  const stretches: Stretch[] = [];
  for (let first = firstSequence; first + commits - 1 <= lastSequence; first += commits) {
    const last = first + commits - 1;
    const build = spans.find((one) => one.span === 'build' && one.first === first);
    const sync = spans.find((one) => one.span === 'sync' && one.first <= last && one.last >= last);
    if (build === undefined || sync === undefined) continue;
    stretches.push({ firstSequence: first, startUs: build.startUs, syncedUs: sync.endUs });
  }
  return stretches;
}

/**
 * The stretch that took the median time, of all that lie one behind the other between the two
 * sequences; and every span that touches it. What applies its commits may end a little later.
 */
export function spansOfMedianStretch(
  spans: readonly TraceSpan[],
  range: { firstSequence: number; lastSequence: number },
  commits: number,
): { elapsedUs: number; spans: TimelineSpan[] } {
  const stretches = stretchesOf(spans, range, commits).sort(
    (a, b) => a.syncedUs - a.startUs - (b.syncedUs - b.startUs),
  );
  const stretch = stretches[Math.ceil(stretches.length / 2) - 1];
  if (stretch === undefined) throw new Error('the trace holds no stretch of so many commits');
  const { startUs, syncedUs, firstSequence } = stretch;
  const inPicture = spans.filter((one) => {
    return one.endUs > startUs && one.startUs < syncedUs && one.last >= one.first;
  });
  return {
    elapsedUs: rounded(syncedUs - startUs),
    spans: inPicture
      .sort((a, b) => a.startUs - b.startUs)
      .map((one) => ({
        lane: one.thread,
        stage: STAGE_OF[one.span],
        part: one.span === 'write' || one.span === 'sync' ? one.span : null,
        startUs: rounded(one.startUs - startUs),
        endUs: rounded(one.endUs - startUs),
        first: one.first - firstSequence + 1,
        last: one.last - firstSequence + 1,
      })),
  };
}

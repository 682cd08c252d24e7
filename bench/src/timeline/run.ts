/** What a traced run is asked for, and what comes out of it: the spans of a stretch of commits. */
import type { TraceSpan, TraceThread } from '@manifold-db/storage';
import type { Mode } from '../arguments.js';
import { rounded } from '../figures.js';

/** The seed's stages. */
export const STAGES = ['BuildChanges', 'AppendWal', 'WaitForSync', 'ApplyChanges'] as const;
export type StageName = (typeof STAGES)[number];

export interface TimelineParameters {
  readonly mode: Mode;
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
  readonly mode: Mode;
  readonly durability: 'immediate';
  readonly batchOps: number;
  readonly inFlight: number;
  readonly addedSyncLatencyUs: number;
  /** Of one generation of the write buffer, in the mode that has one. */
  readonly writeBufferBytes: number | null;
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

/** A number of commits in a row, from the first build to the last sync. */
interface Stretch {
  readonly firstSequence: number;
  readonly startUs: number;
  readonly syncedUs: number;
  /** Everything that went on meanwhile, also for the commits around. */
  readonly spans: readonly TraceSpan[];
}

function stretchFrom(
  spans: readonly TraceSpan[],
  first: number,
  commits: number,
): Stretch | undefined {
  const last = first + commits - 1;
  const build = spans.find((one) => one.span === 'build' && one.first === first);
  const sync = spans.find((one) => one.span === 'sync' && one.first <= last && one.last >= last);
  if (build === undefined || sync === undefined) return undefined;
  const [startUs, syncedUs] = [build.startUs, sync.endUs];
  const during = spans.filter((one) => {
    return one.endUs > startUs && one.startUs < syncedUs && one.last >= one.first;
  });
  return { firstSequence: first, startUs, syncedUs, spans: during };
}

function showsEveryStage({ spans }: Stretch): boolean {
  return new Set(spans.map(({ span }) => STAGE_OF[span])).size === STAGES.length;
}

/**
 * The picture: of the bursts that begin at those sequences, and in which every stage was at work,
 * the one whose first `commits` commits took the median time. Applying comes in groups: one that
 * is late is not in the picture.
 */
export function pictureOf(
  spans: readonly TraceSpan[],
  firstSequences: readonly number[],
  commits: number,
): { elapsedUs: number; spans: TimelineSpan[] } {
  const stretches = firstSequences
    .flatMap((first) => stretchFrom(spans, first, commits) ?? [])
    .filter(showsEveryStage)
    .sort((a, b) => a.syncedUs - a.startUs - (b.syncedUs - b.startUs));
  const middle = stretches[Math.ceil(stretches.length / 2) - 1];
  if (middle === undefined) throw new Error(`no ${commits} commits in a row show every stage`);
  const { startUs } = middle;
  return {
    elapsedUs: rounded(middle.syncedUs - startUs),
    spans: middle.spans
      .toSorted((a, b) => a.startUs - b.startUs)
      .map((one) => ({
        lane: one.thread,
        stage: STAGE_OF[one.span],
        part: one.span === 'write' || one.span === 'sync' ? one.span : null,
        startUs: rounded(one.startUs - startUs),
        endUs: rounded(one.endUs - startUs),
        first: one.first - middle.firstSequence + 1,
        last: one.last - middle.firstSequence + 1,
      })),
  };
}

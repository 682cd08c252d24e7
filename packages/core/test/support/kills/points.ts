/**
 * The named points at which a process or one of its threads dies: around every kind of access to
 * files, in the thread that makes it, and around sleeping and waking between them.
 */
import type { KillPoint } from '@manifold-db/storage';

export interface NamedPoint {
  readonly name: string;
  readonly point: KillPoint;
}

type Thread = KillPoint['thread'];
type Row = readonly [operation: KillPoint['operation'], file: string, calls: readonly number[]];

/** Two pages: the meta pages stand at the beginning of the data file. */
const META_BYTES = 8192;
const META = 'meta';

/** A new database, made by the main thread. */
const CREATION: readonly Row[] = [
  ['write', 'LOCK', [1]],
  ['write', 'data.manifold.tmp', [1, 2]],
  ['sync', 'data.manifold.tmp', [1]],
  ['write', 'wal-new', [1, 2]],
  ['sync', 'wal-new', [1]],
  ['rename', 'wal-new', [1]],
  ['rename', 'data.manifold.tmp', [1]],
  ['syncDirectory', '', [1, 2, 3]],
];

/** An opening behind a kill, recovery, commits; calls are counted by each thread for itself. */
const ROWS: Readonly<Record<Thread, readonly Row[]>> = {
  main: [
    // The lock of the dead process is taken over, ours is given back.
    ['write', 'LOCK', [1, 2]],
    ['rename', 'LOCK', [1]],
    ['remove', 'LOCK', [1]],
    // Recovery makes durable what it trusts.
    ['sync', 'data.manifold', [1]],
    ['sync', 'wal-0', [1]],
    ['syncDirectory', '', [1]],
    // The worker is woken for a commit.
    ['notify', '', [2, 20, 60]],
  ],
  wal: [
    ['write', 'wal-0', [1, 2, 9]],
    ['dataSync', 'wal-0', [1, 2, 9]],
    // The change to the next segment.
    ['open', 'wal-0', [2]],
    // `synced` is published, who waits for it is rung.
    ['notify', '', [2, 7, 30]],
    ['wait', '', [2, 9]],
  ],
  apply: [
    // Segments made ready and recycled.
    ['write', 'wal-new', [1, 3]],
    ['sync', 'wal-new', [1]],
    ['rename', 'wal-new', [1]],
    ['rename', 'wal-0', [1]],
    ['write', 'wal-0', [1]],
    ['sync', 'wal-0', [1]],
    ['rename', 'wal-recycled', [1]],
    ['syncDirectory', '', [1]],
    // Checkpoints: growth, pages, meta page.
    ['write', 'data.manifold', [1, 2, 5]],
    ['write', META, [1, 2]],
    ['dataSync', 'data.manifold', [1, 3]],
    ['sync', 'data.manifold', [1, 2]],
    ['notify', '', [3, 20]],
    ['wait', '', [3, 12]],
  ],
};

/** A write can also die half-way. */
function stagesOf(operation: KillPoint['operation']): readonly KillPoint['stage'][] {
  return operation === 'write' ? ['before', 'middle', 'after'] : ['before', 'after'];
}

function pointsOf(thread: Thread, rows: readonly Row[], when = ''): NamedPoint[] {
  return rows.flatMap(([operation, file, calls]) =>
    calls.flatMap((call) =>
      stagesOf(operation).map((stage): NamedPoint => {
        const isMeta = file === META;
        const where = isMeta
          ? { pathIncludes: 'data.manifold', belowOffset: META_BYTES }
          : { pathIncludes: file };
        const place = file === '' ? '' : ` of ${file}`;
        return {
          name: `${thread}${when}: ${stage} ${operation} ${call}${place}`,
          point: { thread, operation, ...where, call, stage, how: 'kill' },
        };
      }),
    ),
  );
}

export const CREATION_POINTS: readonly NamedPoint[] = pointsOf('main', CREATION, ' in creation');

export const POINTS: readonly NamedPoint[] = [
  ...pointsOf('main', ROWS.main),
  ...pointsOf('wal', ROWS.wal),
  ...pointsOf('apply', ROWS.apply),
];

/** In a worker: the process outlives it. */
export const WORKER_POINTS: readonly NamedPoint[] = POINTS.filter(
  ({ point }) => point.thread !== 'main',
);

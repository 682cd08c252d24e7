/**
 * What a seed decides about a life of the database, from opening to close or crash: sizes, mode,
 * who is slow, what is called how often, which call of the disk fails. Every life draws its own
 * shares, so that extremes meet that an average would never show: a starved apply worker, a queue
 * of one commit, nothing but large values.
 */
import type { CommitMode, Durability } from '@manifold-db/core';
import type { OpenEnvironment } from '@manifold-db/core/internal';
import type { FaultOperation, FaultRule } from '@manifold-db/storage';

const KIB = 1024;
const PAGE_BYTES = 4 * KIB;
const MODES: readonly CommitMode[] = ['sequential', 'async-wal', 'pipelined', 'buffered'];
/** The write buffer has the most states. */
const BUFFERED_SHARE = 0.4;

export interface Pace {
  /** How often an actor is picked in relation to the others, by its number. */
  readonly weights: Float64Array;
  /** Longest time that passes in one step. */
  readonly stepMs: number;
  /** Time that passes whenever the main thread looks at the clock. */
  readonly mainLookMs: number;
  /** A worker thread is held up after this share of its steps, for up to so many steps. */
  readonly heldUpShare: number;
  readonly heldUpSteps: number;
}

export const CALLS = [
  'put',
  'delete',
  'clear',
  'drop',
  'batch',
  'write',
  'writeSync',
  'transaction',
  'read',
  'scan',
  'view',
  'snapshot',
  'walk',
  'checkpoint',
  'wait',
] as const;
export type CallName = (typeof CALLS)[number];

const USUAL: Readonly<Record<CallName, number>> = {
  put: 12,
  delete: 4,
  clear: 1.5,
  drop: 0.7,
  batch: 4,
  write: 8,
  writeSync: 0.5,
  transaction: 8,
  read: 5,
  scan: 1,
  view: 1,
  snapshot: 5,
  walk: 5,
  checkpoint: 0.7,
  wait: 1,
};

export interface FaultPlan {
  readonly rule: FaultRule;
  /** Steps after which the disk begins to fail, and is whole again. */
  readonly fromStep: number;
  readonly untilStep: number;
}

export type Ending = 'close' | 'kill' | 'power';

type Sizes = NonNullable<OpenEnvironment['sizes']> & { readonly walBytesMax: number };

export interface LifePlan {
  readonly mode: CommitMode;
  readonly sizes: Sizes;
  readonly pace: Pace;
  /** Shares of the calls, added up, in the order of `CALLS`. */
  readonly callShares: Float64Array;
  readonly durability: Durability | undefined;
  readonly inFlightMax: number;
  readonly largeShare: number;
  readonly largeBytes: number;
  readonly steps: number;
  readonly ending: Ending;
  /** File operations that still happen after the last step of a life that ends by a crash. */
  readonly operationsToCrash: number;
  /** It comes in a checkpoint, at an operation on the data file. */
  readonly crashesInCheckpoint: boolean;
  readonly fault: FaultPlan | undefined;
}

export type Random = () => number;

export function pickFrom<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

export function whole(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

const ACTORS = 24;

function drawPace(random: Random): Pace {
  const weights = new Float64Array(ACTORS);
  for (let actor = 0; actor < ACTORS; actor++) {
    weights[actor] = pickFrom(random, [0.15, 0.5, 1, 1, 2, 6]);
  }
  return {
    weights,
    stepMs: pickFrom(random, [0.02, 0.2, 2]),
    mainLookMs: pickFrom(random, [0, 0, 0.2, 1]),
    heldUpShare: pickFrom(random, [0, 0, 0.02, 0.1]),
    heldUpSteps: pickFrom(random, [10, 40, 150]),
  };
}

function drawSizes(random: Random, mode: CommitMode): Sizes {
  const walRingBytes = pickFrom(random, [16, 32, 64, 128]) * KIB;
  const walSegmentBytes = walRingBytes * 2 + pickFrom(random, [16, 64]) * KIB;
  return {
    mode,
    workers: { apply: pickFrom(random, [1, 1, 1, 2, 3]), pool: 1 },
    pageBytes: PAGE_BYTES,
    cacheBytes: pickFrom(random, [128, 256, 256]) * PAGE_BYTES,
    walRingBytes,
    walSegmentBytes,
    walBytesMax: walSegmentBytes * whole(random, 5, 10),
    writeBufferBytes: pickFrom(random, [64, 128]) * KIB,
    writeBufferCount: whole(random, 2, 5),
    pendingBytesMax: pickFrom(random, [4, 64, 1024]) * KIB,
    pendingCommitsMax: pickFrom(random, [1, 3, 12, 4096]),
    checkpointIntervalMs: pickFrom(random, [0, 1, 10, 100]),
  };
}

function drawCallShares(random: Random): Float64Array {
  const shares = new Float64Array(CALLS.length);
  let sum = 0;
  for (const [i, name] of CALLS.entries()) {
    sum += USUAL[name] * pickFrom(random, [0.2, 1, 1, 3]);
    shares[i] = sum;
  }
  return shares;
}

const LOG = 'wal-0';
const NEW_LOG = 'wal-new';
const DATA = 'data.manifold';

/** Calls of the disk that the engine makes, by file; the log is in everybody's way. */
const FAULTS: readonly (readonly [operation: FaultOperation, path: string])[] = [
  ['write', LOG],
  ['write', LOG],
  ['dataSync', LOG],
  ['dataSync', LOG],
  ['dataSync', LOG],
  ['open', LOG],
  ['sync', LOG],
  ['remove', LOG],
  ['rename', LOG],
  ['open', NEW_LOG],
  ['write', NEW_LOG],
  ['sync', NEW_LOG],
  ['rename', NEW_LOG],
  ['syncDirectory', ''],
  ['write', DATA],
  ['dataSync', DATA],
  ['sync', DATA],
  ['truncate', DATA],
  ['read', DATA],
  ['write', ''],
];
const FULL: readonly (readonly [operation: FaultOperation, path: string])[] = [
  ['write', ''],
  ['write', NEW_LOG],
  ['write', DATA],
  ['open', NEW_LOG],
  ['truncate', DATA],
];

function drawFault(random: Random, steps: number): FaultPlan {
  const isFull = random() < 0.35;
  const [operation, pathIncludes] = pickFrom(random, isFull ? FULL : FAULTS);
  const rule: FaultRule = {
    operation,
    pathIncludes,
    afterCalls: whole(random, 0, 3),
    errno: isFull ? pickFrom(random, ['ENOSPC', 'EDQUOT'] as const) : 'EIO',
    ...(isFull || random() < 0.5 ? {} : { times: whole(random, 1, 2) }),
    ...(operation === 'write' && random() < 0.5 ? { partialBytes: whole(random, 1, 6000) } : {}),
  };
  const fromStep = whole(random, 0, steps);
  const isLifted = isFull || random() < 0.3;
  return { rule, fromStep, untilStep: isLifted ? fromStep + whole(random, 1, 400) : Infinity };
}

export function drawLife(random: Random, steps: number): LifePlan {
  const mode = random() < BUFFERED_SHARE ? 'buffered' : pickFrom(random, MODES);
  const pace = drawPace(random);
  const sizes = drawSizes(random, mode);
  return {
    mode,
    sizes,
    pace,
    callShares: drawCallShares(random),
    durability: pickFrom(random, ['immediate', 'immediate', 'async', 'none', undefined]),
    inFlightMax: pickFrom(random, [1, 4, 20, 80]),
    largeShare: pickFrom(random, [0, 0.03, 0.1, 0.2]),
    // A commit of a few of them must fit half of the log.
    largeBytes: Math.min(pickFrom(random, [1200, 3000, 9000, 20_000]), sizes.walBytesMax / 16),
    steps,
    ending: pickFrom(random, ['close', 'kill', 'power', 'power']),
    operationsToCrash: pickFrom(random, [0, 1, 2, 3, 5, 12]),
    crashesInCheckpoint: random() < 0.4,
    fault: random() < 0.35 ? drawFault(random, steps) : undefined,
  };
}

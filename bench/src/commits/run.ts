/** What one run of the suite `commits` is asked for. */
import {
  BLOCK_HEADER_BYTES,
  OPERATION_HEADER_BYTES,
  padTo4,
  recordBytesFor,
} from '@manifold-db/storage';
import type { LatencyFigures } from '../latencies.js';
import type { EngineFacts } from '../report.js';
import type { Subject } from '../subject.js';

export const KEY_BYTES = 8;
export const VALUE_BYTES = 150;

/** What Manifold's log writes for one such put: the bare write is given the same. */
export const LOG_BYTES =
  BLOCK_HEADER_BYTES +
  recordBytesFor(OPERATION_HEADER_BYTES + padTo4(KEY_BYTES) + padTo4(VALUE_BYTES));

/**
 * - `put`: a promise that was awaited, or several under way.
 * - `writeSync`: the call returns when the put is durable; the event loop stands still.
 * - `bare`: a write and an `fdatasync`, without any engine.
 */
export type CommitKind = 'put' | 'writeSync' | 'bare';

export interface CommitsParameters extends Subject {
  readonly depth: number;
  /** One after the other at depth 1, a few of each at a time. */
  readonly kinds: readonly CommitKind[];
  readonly durationMs: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

export interface KindFigures extends LatencyFigures {
  readonly commitsPerSecond: number;
}

export interface CommitsMeasures {
  readonly facts: EngineFacts;
  readonly byKind: Readonly<Partial<Record<CommitKind, KindFigures>>>;
}

/** Task: reads the log as recovery would, and keeps nothing of it. */
import { scanLog, type LogSegment, type Vfs } from '@manifold-db/storage';
import { frozenLog, type LogPosition } from './frozen-log.js';

export interface LogInput {
  readonly directory: string;
  readonly databaseId: Uint8Array;
  /** Of the checkpoint. */
  readonly fromSequence: number;
  readonly oldestSegment: number;
  /** Where the log ended when reading began; `undefined` when nobody writes it. */
  readonly end: LogPosition | undefined;
}

export interface LogSummary {
  readonly lastSequence: number;
  /** Transactions behind the checkpoint. */
  readonly transactionCount: number;
  readonly segments: readonly LogSegment[];
}

export function readLog(vfs: Vfs, input: LogInput, poll: () => void): LogSummary {
  const { directory, databaseId, fromSequence, oldestSegment, end } = input;
  const { lastSequence, transactionCount, segments } = scanLog(
    end === undefined ? vfs : frozenLog(vfs, end, poll),
    directory,
    { databaseId, fromSequence, oldestSegment },
    { transaction: poll },
  );
  return { lastSequence, transactionCount, segments };
}

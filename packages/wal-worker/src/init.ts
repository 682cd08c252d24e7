/**
 * What the fsync worker is started with: structured-clonable, decided by recovery, handed over in
 * `workerData` (or, in one thread, to `createWalLoop`).
 */
import type { SharedBuffers, VfsSpec } from '@manifold-db/storage';

export interface WalWorkerInit {
  readonly buffers: SharedBuffers;
  /** The database directory. */
  readonly directory: string;
  readonly vfs: VfsSpec;
  /** 16 bytes; every segment must carry it. */
  readonly databaseId: Uint8Array;
  /** Where the first block goes: a prepared segment, and an 8-aligned offset behind its header. */
  readonly segmentNumber: number;
  readonly offset: number;
  /** Newest timestamp found in the log; those of new blocks do not go below it. */
  readonly lastTimestampMs?: number;
}

/** What one `step()` did. */
export type StepResult = 'worked' | 'idle' | 'stopped';

/** What the simulator replaces besides the files. */
export interface WalEnvironment {
  /** Wall clock for the blocks' timestamps. */
  readonly wallClockMs?: () => number;
}

/**
 * What the opening thread hands to its workers in `workerData`: plain, structured-clonable data.
 * Known here, because core starts the workers by their URL and never imports them.
 */
import type { Meta } from './format/meta.js';
import type { SharedBuffers } from './shared.js';
import type { VfsSpec } from './vfs/spec.js';

interface WorkerInit {
  readonly buffers: SharedBuffers;
  readonly directory: string;
  readonly vfs: VfsSpec;
  /** 16 bytes. */
  readonly databaseId: Uint8Array;
  /** Of the `LOCK` file; `undefined` when nobody locks (tests). */
  readonly lockNonce?: string | undefined;
}

/** For the fsync worker. */
export interface WalInit extends WorkerInit {
  /** Where the next block goes: a prepared segment, and an 8-aligned offset behind its header. */
  readonly segmentNumber: number;
  readonly offset: number;
  /** Newest timestamp found in the log; those of new blocks do not go below it. */
  readonly lastTimestampMs?: number;
}

/** Who publishes root sets and APPLIED. */
export type Applier = 'worker' | 'main';

/**
 * For an apply worker. Shared memory was initialised before (`initializeVersion`, `...LogSpace`).
 */
export interface ApplyInit extends WorkerInit {
  /** 0 is the one that publishes, checkpoints and prepares segments. */
  readonly workerIndex: number;
  readonly applier: Applier;
  /** The durable checkpoint. Worker 0 reads its free map by itself. */
  readonly meta: Meta;
  /** Free pages of the checkpoint below this number stand on the shared stack already. */
  readonly seededBelow: number;
  /** Log files that may be recycled, by name. */
  readonly obsoleteSegments: readonly string[];
  /** Segments kept ready beyond the one being written, unless a commit asks for more. */
  readonly segmentsAheadTarget: number;
  /** A checkpoint follows a change within this time; 0: the clock is never a reason. */
  readonly checkpointIntervalMs: number;
  /** A checkpoint begins when more than this share of the frames is dirty. */
  readonly dirtyShareMax: number;
}

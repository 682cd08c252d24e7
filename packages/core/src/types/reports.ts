/**
 * Public types of what the database says about itself. Units stand last in the names; all figures
 * are since `open` unless said otherwise.
 */
import type { CommitMode, Durability } from './options.js';

/** The four stages of a commit. */
export type CommitStageName = 'BuildChanges' | 'AppendWal' | 'WaitForSync' | 'ApplyChanges';

/** Result of `stats()`. */
export interface Stats {
  readonly sequences: SequenceStats;
  readonly log: LogStats;
  readonly cache: CacheStats;
  readonly checkpoints: CheckpointStats;
  readonly pendingCommits: PendingStats;
  /** Mode `buffered`; `undefined` in the other modes. */
  readonly writeBuffer: WriteBufferStats | undefined;
  readonly writes: WriteStats;
  readonly stalls: StallStats;
  /** The oldest open snapshot or iterator, or `undefined` when there is none. */
  readonly oldestSnapshot: OldestSnapshot | undefined;
  /** What opening had to do. */
  readonly recovery: RecoveryReport;
  /** The options in force, defaults filled in and sizes rounded. */
  readonly options: OptionsInForce;
  readonly memory: MemoryStats;
  /** Why the database turned read-only, or `undefined` while it is sound. */
  readonly failure: FailureStats | undefined;
}

/** checkpointed <= synced <= written <= appended <= committed. */
export interface SequenceStats {
  readonly committed: number;
  readonly appended: number;
  readonly written: number;
  readonly synced: number;
  readonly applied: number;
  readonly checkpointed: number;
}

export interface LogStats {
  /** Log files now, spares included. */
  readonly segmentCount: number;
  /** Their size together, now. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly segmentsCreated: number;
  readonly segmentsRecycled: number;
  /** Ring memory between append and write, now. */
  readonly ringBytesUsed: number;
  readonly recordsWritten: number;
  readonly blocksWritten: number;
  readonly bytesWritten: number;
  readonly syncs: number;
  /** Means per sync, since opening. */
  readonly syncLatencyUs: number;
  readonly recordsPerSync: number;
}

export interface CacheStats {
  readonly bytes: number;
  readonly pageBytes: number;
  /** Frames by state, now. */
  readonly frameCount: number;
  readonly freeFrameCount: number;
  readonly dirtyFrameCount: number;
  /** Pages of the data file, now. */
  readonly livePageCount: number;
  readonly freePageCount: number;
}

export interface CheckpointStats {
  readonly count: number;
  readonly pagesWritten: number;
  readonly bytesWritten: number;
  /** Mean, since opening. */
  readonly durationMs: number;
}

export interface PendingStats {
  /** Appended and not yet applied, now. */
  readonly count: number;
  readonly countMax: number;
  /** Called and not yet admitted, now. */
  readonly waitingCount: number;
  readonly waitingBytes: number;
  readonly waitingBytesMax: number;
}

/** Figures of the write buffer; one generation takes commits, the others are sealed or free. */
export interface WriteBufferStats {
  /** Bytes in use, indexes included, now; and what all generations together may take. */
  readonly fillBytes: number;
  readonly capacityBytes: number;
  /** Generations that wait to be merged or are being merged, now; and all there are. */
  readonly sealedCount: number;
  readonly count: number;
  /** Generations sealed and merged since opening. */
  readonly sealed: number;
  readonly merged: number;
  /** Entries that merges have put into the trees: overwritten versions are not among them. */
  readonly entriesMerged: number;
  readonly mergeMs: number;
  /** How often a commit had to wait for a free generation. */
  readonly stalls: number;
}

/** What was asked to be written, and what that took. */
export interface WriteStats {
  /** Log bytes of all commits: keys and values with a header each. */
  readonly bytesPut: number;
  /** Bytes written to the log and, by checkpoints, to the data file. */
  readonly bytesWritten: number;
  /** `bytesWritten / bytesPut`; 0 before the first commit. */
  readonly amplification: number;
}

export interface StallStats {
  /** The stage that holds commits up right now, or `undefined` when nothing waits. */
  readonly brake: CommitStageName | undefined;
  /** How often an operation had to wait for room, by the stage that was full. */
  readonly waits: Readonly<Record<CommitStageName, number>>;
  /** How often, and how long, a call blocked because `pendingBytesMax` was reached. */
  readonly blockedCalls: number;
  readonly blockedMs: number;
}

export interface OldestSnapshot {
  readonly sequence: number;
  readonly ageMs: number;
  /** Superseded pages that open snapshots and iterators together keep from being reused. */
  readonly pinnedPages: number;
}

/** What `open` found and did. */
export interface RecoveryReport {
  /** A new database was created. */
  readonly created: boolean;
  /** The last close was orderly: the log held nothing beyond the checkpoint. */
  readonly clean: boolean;
  /** Sequence of the checkpoint it started from, and of the last commit it recovered. */
  readonly checkpointSequence: number;
  readonly lastSequence: number;
  readonly commitsReplayed: number;
  readonly bytesReplayed: number;
  readonly segmentsRead: number;
  /** Bytes of unfinished, never acknowledged records that were cut off the end of the log. */
  readonly bytesCut: number;
  /** Where the cut was made, or `undefined` when there was none. */
  readonly cutAt: FilePlace | undefined;
  readonly durationMs: number;
}

export interface FilePlace {
  readonly path: string;
  readonly offset: number;
}

/** The options of `open` with everything filled in. */
export interface OptionsInForce {
  readonly mode: CommitMode;
  readonly durability: Durability;
  readonly workers: { readonly apply: number; readonly pool: number };
  readonly createIfMissing: boolean;
  readonly errorIfExists: boolean;
  readonly readOnly: boolean;
  readonly pageBytes: number;
  readonly cacheBytes: number;
  readonly writeBufferBytes: number;
  readonly writeBufferCount: number;
  readonly walRingBytes: number;
  readonly walSegmentBytes: number;
  readonly walBytesMax: number;
  readonly pendingBytesMax: number;
  readonly pendingCommitsMax: number;
  readonly checkpointIntervalMs: number;
}

/** What the configured sizes add up to, in bytes; most of it is touched only when it is used. */
export interface MemoryStats {
  readonly cacheBytes: number;
  /** Frame table, hash of page numbers and free-page stack. */
  readonly pageTableBytes: number;
  /** Ring and its descriptors. */
  readonly ringBytes: number;
  /** Pending queue. */
  readonly queueBytes: number;
  /** Root sets, names, snapshots, epochs, progress, statistics. */
  readonly tablesBytes: number;
  /** All generations of the write buffer, their indexes included; 0 in the other modes. */
  readonly writeBufferBytes: number;
  /** Most that waiting operations may take. */
  readonly pendingBytes: number;
  /** Buffers of the workers for pages and log blocks; frames that threads remember. */
  readonly workerBufferBytes: number;
  /** The sum. V8's own heap of each thread comes on top. */
  readonly totalBytes: number;
}

export interface FailureStats {
  readonly code: string;
  readonly message: string;
}

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
}

/** Result of `verify`. */
export interface VerifyReport {
  /** Nothing wrong was found. */
  readonly ok: boolean;
  /** Sequence of the checkpoint that was read. */
  readonly sequence: number;
  readonly columnFamilyCount: number;
  readonly pagesChecked: number;
  readonly entriesChecked: number;
  readonly logSegmentsChecked: number;
  readonly logRecordsChecked: number;
  readonly durationMs: number;
  /** What is wrong, in the order it was found; at most 1,000. */
  readonly problems: readonly VerifyProblem[];
}

export interface VerifyProblem extends FilePlace {
  readonly message: string;
  readonly columnFamily: string | undefined;
}

export interface BackupOptions {
  signal?: AbortSignal | undefined;
}

/** Result of `backup`. */
export interface BackupReport {
  /** Absolute path of the copy. */
  readonly path: string;
  /** Sequence of the last commit in it. */
  readonly sequence: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/**
 * `stats()`: figures from shared memory and from the pipeline, as one plain object. Main thread.
 */
import {
  FRAMES_DIRTY,
  FRAMES_FREE_COUNT,
  LOG_OLDEST_SEGMENT,
  LOG_PREPARED_SEGMENT,
  PROGRESS_APPENDED,
  PROGRESS_CHECKPOINTED,
  RING_CLAIM_UNIT,
  RING_CONSUMED_UNIT,
  RING_UNIT_BYTES,
  STAT_BLOCKS,
  STAT_CHECKPOINTS,
  STAT_CHECKPOINT_BYTES,
  STAT_CHECKPOINT_NS,
  STAT_CHECKPOINT_PAGES,
  STAT_FREE_PAGES,
  STAT_LIVE_PAGES,
  STAT_LOG_BYTES,
  STAT_MERGES,
  STAT_MERGE_ENTRIES,
  STAT_MERGE_NS,
  STAT_PINNED_PAGES,
  STAT_RECORDS,
  STAT_SEGMENTS_CREATED,
  STAT_SEGMENTS_RECYCLED,
  STAT_SYNCS,
  STAT_SYNC_NS,
  loadWide,
} from '@manifold-db/storage';
import type { CommitPipeline } from './commit.js';
import type { Engine } from './engine.js';
import { memorySum } from './options/index.js';
import type { Snapshots } from './snapshots.js';
import type {
  CacheStats,
  CheckpointStats,
  LogStats,
  OldestSnapshot,
  PendingStats,
  SequenceStats,
  Stats,
  WriteBufferStats,
  WriteStats,
} from './types.js';

const NS_PER_US = 1e3;
const NS_PER_MS = 1e6;

export function collectStats(
  engine: Engine,
  pipeline: CommitPipeline,
  snapshots: Snapshots,
): Stats {
  const { admission } = pipeline;
  return {
    sequences: sequenceStats(engine),
    log: logStats(engine),
    cache: cacheStats(engine),
    checkpoints: checkpointStats(engine.shared.statistics),
    pendingCommits: pendingStats(engine, pipeline),
    writeBuffer: writeBufferStats(engine, pipeline),
    writes: writeStats(engine, pipeline),
    stalls: {
      brake: pipeline.brake(),
      waits: { ...admission.waits },
      blockedCalls: admission.blockedCalls,
      blockedMs: admission.blockedMs,
    },
    oldestSnapshot: oldestSnapshot(engine, snapshots),
    recovery: engine.recovery!,
    options: engine.options,
    memory: memorySum(engine.options),
    failure: engine.failure(),
  };
}

function sequenceStats(engine: Engine): SequenceStats {
  const { progress } = engine.shared;
  return {
    committed: engine.lastCommitted,
    appended: loadWide(progress, PROGRESS_APPENDED),
    written: engine.written,
    synced: engine.synced,
    applied: engine.applied,
    checkpointed: loadWide(progress, PROGRESS_CHECKPOINTED),
  };
}

function logStats({ shared, options }: Engine): LogStats {
  const { statistics, logSpace, ringControl } = shared;
  const syncs = statistics[STAT_SYNCS]!;
  const records = statistics[STAT_RECORDS]!;
  const prepared = Atomics.load(logSpace, LOG_PREPARED_SEGMENT);
  const segmentCount = prepared - Atomics.load(logSpace, LOG_OLDEST_SEGMENT) + 1;
  const usedUnits = (ringControl[RING_CLAIM_UNIT]! - ringControl[RING_CONSUMED_UNIT]!) >>> 0;
  return {
    segmentCount,
    bytes: segmentCount * options.walSegmentBytes,
    bytesMax: options.walBytesMax,
    segmentsCreated: statistics[STAT_SEGMENTS_CREATED]!,
    segmentsRecycled: statistics[STAT_SEGMENTS_RECYCLED]!,
    ringBytesUsed: usedUnits * RING_UNIT_BYTES,
    recordsWritten: records,
    blocksWritten: statistics[STAT_BLOCKS]!,
    bytesWritten: statistics[STAT_LOG_BYTES]!,
    syncs,
    syncLatencyUs: mean(statistics[STAT_SYNC_NS]! / NS_PER_US, syncs),
    recordsPerSync: mean(records, syncs),
  };
}

function cacheStats({ shared, pager }: Engine): CacheStats {
  const { pagesControl, statistics, sizes } = shared;
  return {
    bytes: sizes.cacheBytes,
    pageBytes: sizes.pageBytes,
    frameCount: pager.frameCount(),
    freeFrameCount: pagesControl[FRAMES_FREE_COUNT]!,
    dirtyFrameCount: pagesControl[FRAMES_DIRTY]!,
    livePageCount: statistics[STAT_LIVE_PAGES]!,
    freePageCount: statistics[STAT_FREE_PAGES]!,
  };
}

function checkpointStats(statistics: Float64Array): CheckpointStats {
  const count = statistics[STAT_CHECKPOINTS]!;
  return {
    count,
    pagesWritten: statistics[STAT_CHECKPOINT_PAGES]!,
    bytesWritten: statistics[STAT_CHECKPOINT_BYTES]!,
    durationMs: mean(statistics[STAT_CHECKPOINT_NS]! / NS_PER_MS, count),
  };
}

function pendingStats(engine: Engine, pipeline: CommitPipeline): PendingStats {
  return {
    count: pipeline.applier.pendingCount,
    countMax: engine.options.pendingCommitsMax,
    waitingCount: pipeline.admission.pendingCount,
    waitingBytes: pipeline.admission.pendingBytes,
    waitingBytesMax: engine.options.pendingBytesMax,
  };
}

function writeBufferStats(
  { shared }: Engine,
  { buffered }: CommitPipeline,
): WriteBufferStats | undefined {
  if (buffered === undefined) return undefined;
  const { buffers } = buffered;
  const { sizes, statistics } = shared;
  return {
    fillBytes: buffers.fillBytes,
    capacityBytes: sizes.writeBufferBytes * sizes.writeBufferCount,
    sealedCount: buffers.sealedCount,
    count: buffers.count,
    sealed: buffers.sealedTotal,
    merged: statistics[STAT_MERGES]!,
    entriesMerged: statistics[STAT_MERGE_ENTRIES]!,
    mergeMs: statistics[STAT_MERGE_NS]! / NS_PER_MS,
    stalls: buffers.stalls,
  };
}

function writeStats({ shared }: Engine, pipeline: CommitPipeline): WriteStats {
  const { statistics } = shared;
  const bytesWritten = statistics[STAT_LOG_BYTES]! + statistics[STAT_CHECKPOINT_BYTES]!;
  const { bytesPut } = pipeline;
  return { bytesPut, bytesWritten, amplification: mean(bytesWritten, bytesPut) };
}

function oldestSnapshot(engine: Engine, snapshots: Snapshots): OldestSnapshot | undefined {
  const oldest = snapshots.oldest();
  if (oldest === undefined) return undefined;
  return { ...oldest, pinnedPages: engine.shared.statistics[STAT_PINNED_PAGES]! };
}

function mean(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}

/**
 * What the configured sizes add up to. Main thread. The shared regions are sized in storage
 * `shared.ts`; this file only names them in groups (its test compares the two).
 */
import {
  BELLS_BYTES,
  EPOCHS_BYTES,
  FAILURE_TEXT_BYTES,
  FRAME_ROW_WORDS,
  FREE_PAGES_SHARED_MAX,
  LOG_SPACE_BYTES,
  MIB,
  NAMES_BYTES,
  PAGES_CONTROL_BYTES,
  PROGRESS_BYTES,
  QUEUE_CONTROL_BYTES,
  QUEUE_WORDS,
  RING_CONTROL_BYTES,
  RING_DESCRIPTORS_BYTES,
  ROOTS_BYTES,
  SNAPSHOTS_BYTES,
  STATISTICS_BYTES,
  hintBytesMax,
  type SharedSizes,
} from '@manifold-db/storage';
import type { MemoryStats, OptionsInForce } from '../types.js';

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
/** Most that one pipeline worker allocates for reading and writing files. */
const WORKER_BUFFER_BYTES = 4 * MIB;
const FSYNC_WORKERS = 1;
const MAIN_THREADS = 1;

/** A database opened for reading only has nothing to buffer. */
export function hasWriteBuffer(options: OptionsInForce): boolean {
  return options.mode === 'buffered' && !options.readOnly;
}

/** The sizes of the shared regions that the options ask for. */
export function sharedSizes(options: OptionsInForce): SharedSizes {
  return {
    pageBytes: options.pageBytes,
    cacheBytes: options.cacheBytes,
    walRingBytes: options.walRingBytes,
    walSegmentBytes: options.walSegmentBytes,
    walBytesMax: options.walBytesMax,
    pendingCommitsMax: options.pendingCommitsMax,
    applyWorkers: options.workers.apply,
    writeBufferBytes: options.writeBufferBytes,
    writeBufferCount: hasWriteBuffer(options) ? options.writeBufferCount : 0,
  };
}

/**
 * The bytes that an open database may take with these options, by purpose: an upper bound, most of
 * it touched only when it is used. Not in it: V8's heaps and the runtime of the two to nine worker
 * threads (the pool's only while it works), a transaction's own bytes while it is built, and
 * results of reads.
 */
export function memorySum(options: OptionsInForce): MemoryStats {
  const frameCount = options.cacheBytes / options.pageBytes;
  const bucketCount = 2 ** Math.ceil(Math.log2(frameCount * 2));
  const parts = {
    cacheBytes: options.cacheBytes,
    pageTableBytes:
      PAGES_CONTROL_BYTES +
      (frameCount * FRAME_ROW_WORDS + bucketCount + FREE_PAGES_SHARED_MAX) * WORD_BYTES,
    ringBytes: options.walRingBytes + RING_CONTROL_BYTES + RING_DESCRIPTORS_BYTES,
    queueBytes: QUEUE_CONTROL_BYTES + QUEUE_WORDS * WORD_BYTES,
    tablesBytes:
      ROOTS_BYTES +
      NAMES_BYTES +
      SNAPSHOTS_BYTES +
      EPOCHS_BYTES +
      BELLS_BYTES +
      PROGRESS_BYTES +
      FAILURE_TEXT_BYTES +
      LOG_SPACE_BYTES +
      STATISTICS_BYTES,
    writeBufferBytes: hasWriteBuffer(options)
      ? options.writeBufferBytes * options.writeBufferCount
      : 0,
    pendingBytes: options.pendingBytesMax,
    workerBufferBytes:
      (FSYNC_WORKERS + options.workers.apply) * WORKER_BUFFER_BYTES +
      (MAIN_THREADS + options.workers.apply) * hintBytesMax(frameCount),
  };
  const totalBytes = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  return { ...parts, totalBytes };
}

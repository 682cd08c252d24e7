/**
 * The shared regions of one open database: created by the opening thread, handed to the workers
 * in `workerData`, attached by every thread. The layout of each region, with the writer of each
 * word, is in `layout/`; this file only sizes them.
 */
import { assert } from './assert.js';
import { BELLS_BYTES } from './layout/bells.js';
import { EPOCHS_BYTES } from './layout/epochs.js';
import { LOG_SPACE_BYTES } from './layout/log-space.js';
import { FRAME_ROW_WORDS, PAGES_CONTROL_BYTES } from './layout/pages.js';
import { FAILURE_TEXT_BYTES, PROGRESS_BYTES } from './layout/progress.js';
import { QUEUE_CONTROL_BYTES } from './layout/queue.js';
import { RING_CONTROL_BYTES, RING_DESCRIPTORS_BYTES } from './layout/ring.js';
import { NAMES_BYTES, ROOTS_BYTES } from './layout/roots.js';
import { SNAPSHOTS_BYTES } from './layout/snapshots.js';
import { STATISTICS_BYTES } from './layout/statistics.js';
import { FREE_PAGES_SHARED_MAX, PAGE_BYTES_MIN, REGION_BYTES_MAX } from './limits.js';

const INT32 = Int32Array.BYTES_PER_ELEMENT;

/** Sizes that shape the shared regions; every thread gets the same. */
export interface SharedSizes {
  readonly pageBytes: number;
  /** Memory for page frames; a multiple of pageBytes. */
  readonly cacheBytes: number;
  /** Power of two. */
  readonly walRingBytes: number;
  readonly walSegmentBytes: number;
  readonly walBytesMax: number;
  /** Most entries in the pending queue. */
  readonly pendingCommitsMax: number;
  readonly applyWorkers: number;
  /** Bytes of one generation of the write buffer, its index included; a multiple of 64 KiB. */
  readonly writeBufferBytes: number;
  /** Generations; 0 when the mode has no write buffer. */
  readonly writeBufferCount: number;
}

export interface SharedBuffers {
  readonly sizes: SharedSizes;
  readonly progress: SharedArrayBuffer;
  readonly failureText: SharedArrayBuffer;
  readonly bells: SharedArrayBuffer;
  readonly epochs: SharedArrayBuffer;
  readonly ringControl: SharedArrayBuffer;
  readonly ringDescriptors: SharedArrayBuffer;
  readonly ringBytes: SharedArrayBuffer;
  readonly logSpace: SharedArrayBuffer;
  readonly queueControl: SharedArrayBuffer;
  readonly queueWords: SharedArrayBuffer;
  readonly roots: SharedArrayBuffer;
  readonly names: SharedArrayBuffer;
  readonly snapshots: SharedArrayBuffer;
  readonly pagesControl: SharedArrayBuffer;
  readonly frameTable: SharedArrayBuffer;
  readonly frameBuckets: SharedArrayBuffer;
  readonly freePages: SharedArrayBuffer;
  readonly frameRegions: readonly SharedArrayBuffer[];
  readonly writeBuffers: readonly SharedArrayBuffer[];
  readonly statistics: SharedArrayBuffer;
  /** Absent unless it was asked for: `trace/trace-writer.ts`. */
  readonly trace?: SharedArrayBuffer;
}

/** One thread's views of the shared regions. */
export interface Shared {
  readonly sizes: SharedSizes;
  readonly progress: Int32Array;
  readonly failureText: Uint8Array;
  readonly bells: Int32Array;
  readonly epochs: Int32Array;
  readonly ringControl: Int32Array;
  readonly ringDescriptors: Int32Array;
  readonly ringBytes: Uint8Array;
  readonly logSpace: Int32Array;
  readonly queueControl: Int32Array;
  readonly queueWords: Int32Array;
  readonly roots: Int32Array;
  readonly names: Uint8Array;
  readonly snapshots: Int32Array;
  readonly pagesControl: Int32Array;
  readonly frameTable: Int32Array;
  readonly frameBuckets: Int32Array;
  readonly freePages: Int32Array;
  readonly frameRegions: readonly SharedArrayBuffer[];
  /** Attached one by one: `buffer/write-buffer.ts`. */
  readonly writeBuffers: readonly SharedArrayBuffer[];
  readonly statistics: Float64Array;
  /** Attached by each writer: `trace/trace-writer.ts`. */
  readonly trace: SharedArrayBuffer | undefined;
}

/** Where the regions come from: zeroed memory that nobody else refers to. */
export type AllocateShared = (bytes: number) => SharedArrayBuffer;

/** Words of the pending queue: room for the page lists of a few large commits. */
export const QUEUE_WORDS = 1 << 18;

function powerOfTwoAtLeast(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}

function allocateShared(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}

function frameRegions(sizes: SharedSizes, allocate: AllocateShared): SharedArrayBuffer[] {
  const regions: SharedArrayBuffer[] = [];
  for (let left = sizes.cacheBytes; left > 0; left -= REGION_BYTES_MAX) {
    regions.push(allocate(Math.min(left, REGION_BYTES_MAX)));
  }
  return regions;
}

export function createSharedBuffers(
  sizes: SharedSizes,
  allocate: AllocateShared = allocateShared,
): SharedBuffers {
  assert(sizes.pageBytes >= PAGE_BYTES_MIN, 'page size is validated by the caller');
  assert(sizes.cacheBytes % sizes.pageBytes === 0, 'the cache holds whole pages');
  assert((sizes.walRingBytes & (sizes.walRingBytes - 1)) === 0, 'the ring is a power of two');
  const frameCount = sizes.cacheBytes / sizes.pageBytes;
  return {
    sizes,
    progress: allocate(PROGRESS_BYTES),
    failureText: allocate(FAILURE_TEXT_BYTES),
    bells: allocate(BELLS_BYTES),
    epochs: allocate(EPOCHS_BYTES),
    ringControl: allocate(RING_CONTROL_BYTES),
    ringDescriptors: allocate(RING_DESCRIPTORS_BYTES),
    ringBytes: allocate(sizes.walRingBytes),
    logSpace: allocate(LOG_SPACE_BYTES),
    queueControl: allocate(QUEUE_CONTROL_BYTES),
    queueWords: allocate(QUEUE_WORDS * INT32),
    roots: allocate(ROOTS_BYTES),
    names: allocate(NAMES_BYTES),
    snapshots: allocate(SNAPSHOTS_BYTES),
    pagesControl: allocate(PAGES_CONTROL_BYTES),
    frameTable: allocate(frameCount * FRAME_ROW_WORDS * INT32),
    frameBuckets: allocate(powerOfTwoAtLeast(frameCount * 2) * INT32),
    freePages: allocate(FREE_PAGES_SHARED_MAX * INT32),
    frameRegions: frameRegions(sizes, allocate),
    writeBuffers: Array.from({ length: sizes.writeBufferCount }, () =>
      allocate(sizes.writeBufferBytes),
    ),
    statistics: allocate(STATISTICS_BYTES),
  };
}

export function attachShared(buffers: SharedBuffers): Shared {
  return {
    sizes: buffers.sizes,
    progress: new Int32Array(buffers.progress),
    failureText: new Uint8Array(buffers.failureText),
    bells: new Int32Array(buffers.bells),
    epochs: new Int32Array(buffers.epochs),
    ringControl: new Int32Array(buffers.ringControl),
    ringDescriptors: new Int32Array(buffers.ringDescriptors),
    ringBytes: new Uint8Array(buffers.ringBytes),
    logSpace: new Int32Array(buffers.logSpace),
    queueControl: new Int32Array(buffers.queueControl),
    queueWords: new Int32Array(buffers.queueWords),
    roots: new Int32Array(buffers.roots),
    names: new Uint8Array(buffers.names),
    snapshots: new Int32Array(buffers.snapshots),
    pagesControl: new Int32Array(buffers.pagesControl),
    frameTable: new Int32Array(buffers.frameTable),
    frameBuckets: new Int32Array(buffers.frameBuckets),
    freePages: new Int32Array(buffers.freePages),
    frameRegions: buffers.frameRegions,
    writeBuffers: buffers.writeBuffers,
    statistics: new Float64Array(buffers.statistics),
    trace: buffers.trace,
  };
}

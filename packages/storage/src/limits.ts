/**
 * Every bound of the engine that is not an option, by name. Relations between them are asserted
 * when the module is loaded.
 */
import { assert } from './assert.js';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

export const PAGE_BYTES_MIN = 4 * KIB;
export const PAGE_BYTES_MAX = 64 * KIB;
export const PAGE_BYTES_DEFAULT = 4 * KIB;

/** Longest key at the default page size; larger pages allow the same. */
export const KEY_BYTES_MAX = 1024;
export const VALUE_BYTES_MAX = GIB;
export const COLUMN_FAMILIES_MAX = 4096;
export const COLUMN_FAMILY_NAME_BYTES_MAX = 240;
export const APPLY_WORKERS_MAX = 8;

/** One region of page frames; views longer than this are slow or impossible on Node 20. */
export const REGION_BYTES_MAX = GIB;

/** Largest record (whole or fragment) in the ring and in the log. */
export const WAL_RECORD_BYTES_MAX = 512 * KIB;
/** Largest payload that one log block, and so one checksum and one write, covers. */
export const WAL_BLOCK_PAYLOAD_BYTES_MAX = MIB;
/** Bytes between two data syncs of a long sequential write beside the log. */
export const BACKGROUND_SYNC_BYTES = 4 * MIB;

/** One generation of the write buffer, or the private overlay of a transaction. */
export const WRITE_BUFFER_BYTES_MIN = 64 * KIB;
export const WRITE_BUFFER_BYTES_MAX = GIB;
/** Range tombstones in one generation: it is sealed when they are full. */
export const WRITE_BUFFER_TOMBSTONES_MAX = 64;

/** Threads that may be inside a read at once: main, workers, later attached threads. */
export const THREADS_MAX = 32;
/** Distinct sequences pinned by snapshots and iterators at once. */
export const SNAPSHOT_SLOTS_MAX = 4096;
/** Page numbers ready for allocation that are kept in shared memory. */
export const FREE_PAGES_SHARED_MAX = 64 * KIB;
/** Records in flight between append and sync. */
export const RING_RECORDS_MAX = 16 * KIB;

assert(WAL_RECORD_BYTES_MAX <= WAL_BLOCK_PAYLOAD_BYTES_MAX, 'a record must fit a block');
assert(KEY_BYTES_MAX * 3 < PAGE_BYTES_MIN, 'a branch page must hold at least two keys');

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
/** Versions, of different sequences, that snapshots and iterators hold at once. */
export const HELD_VERSIONS_MAX = 4096;
/** Versions beyond these that synchronous reads hold for the length of their call. */
export const CALL_VERSIONS_MAX = 16;
/** Checkpoints that backups and verifications keep at once. */
export const HELD_CHECKPOINTS_MAX = 64;
/** Root sets that the reads of a write buffer stand on while one follows the other. */
export const BASES_MAX = 4;
/** Rows of pins: with one for each of these, what the engine pins for itself finds a row always. */
export const SNAPSHOT_SLOTS_MAX =
  HELD_VERSIONS_MAX + CALL_VERSIONS_MAX + HELD_CHECKPOINTS_MAX + BASES_MAX;
/** Page numbers ready for allocation that are kept in shared memory. */
export const FREE_PAGES_SHARED_MAX = 64 * KIB;
/** Records in flight between append and sync. */
export const RING_RECORDS_MAX = 16 * KIB;

assert(WAL_RECORD_BYTES_MAX <= WAL_BLOCK_PAYLOAD_BYTES_MAX, 'a record must fit a block');
assert(KEY_BYTES_MAX * 3 < PAGE_BYTES_MIN, 'a branch page must hold at least two keys');

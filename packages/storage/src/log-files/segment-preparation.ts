/**
 * Making log segments ready for records: new ones (zero-filled under a temporary name) and recycled
 * ones. Threads: apply worker 0; the opening thread before it starts.
 *
 * Invariants
 * 1. A file gets a segment's name only when it has the full size and a header, which is synced and
 *    carries a fresh salt: blocks of an earlier life never pass, and no header is ever changed in
 *    place, where a write that is cut short would leave a segment that looks damaged.
 * 2. The segment is ready only after file and directory were synced.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { assert } from '../assert.js';
import {
  SEGMENT_HEADER_BYTES,
  encodeSegmentHeader,
  nextSalt,
  parseSegmentFileName,
  segmentFileName,
} from '../format/segment.js';
import { BACKGROUND_SYNC_BYTES, MIB } from '../limits.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';

export interface SegmentSpec {
  readonly directory: string;
  readonly segmentBytes: number;
  /** 16 bytes. */
  readonly databaseId: Uint8Array;
}

/** The one name under which a segment grows; a rest from an earlier run is overwritten. */
export const SEGMENT_TEMPORARY_NAME = 'wal-new.tmp';
/** The one name under which a segment gets a new header; an opening removes what a crash left. */
export const SEGMENT_RECYCLED_NAME = 'wal-recycled.tmp';
const FILL_BYTES = MIB;
const SALT_BYTES = 4;

let zeros: Uint8Array | undefined;

function zeroBytes(count: number): Uint8Array {
  zeros ??= new Uint8Array(FILL_BYTES);
  return zeros.subarray(0, count);
}

function newHeader(spec: SegmentSpec, segmentNumber: number, salt: number): Uint8Array {
  return encodeSegmentHeader({
    segmentBytes: spec.segmentBytes,
    salt,
    segmentNumber,
    databaseId: spec.databaseId,
  });
}

/** Whether a file with this name belongs to the log, finished or not. */
export function isLogFileName(name: string): boolean {
  if (name === SEGMENT_TEMPORARY_NAME || name === SEGMENT_RECYCLED_NAME) return true;
  return parseSegmentFileName(name) !== undefined;
}

/** A new segment in bounded steps: one write or one sync each. */
export class SegmentPreparation {
  readonly segmentNumber: number;
  readonly #vfs: Vfs;
  readonly #spec: SegmentSpec;
  readonly #path: string;
  #file: VfsFile | undefined;
  #filled = 0;
  #unsynced = 0;
  #hasHeader = false;

  constructor(vfs: Vfs, spec: SegmentSpec, segmentNumber: number) {
    this.segmentNumber = segmentNumber;
    this.#vfs = vfs;
    this.#spec = spec;
    this.#path = join(spec.directory, SEGMENT_TEMPORARY_NAME);
  }

  /**
   * Does the next piece; true once the segment is ready. Errors of the file system pass through.
   */
  step(): boolean {
    if (this.#file === undefined) {
      this.#file = this.#vfs.open(this.#path, 'create');
      this.#file.truncate(0);
    }
    const { segmentBytes, directory } = this.#spec;
    if (this.#unsynced >= BACKGROUND_SYNC_BYTES) {
      this.#file.dataSync();
      this.#unsynced = 0;
    } else if (this.#filled < segmentBytes) {
      const count = Math.min(FILL_BYTES, segmentBytes - this.#filled);
      this.#file.write([zeroBytes(count)], this.#filled);
      this.#filled += count;
      this.#unsynced += count;
    } else if (!this.#hasHeader) {
      const salt = randomBytes(SALT_BYTES).readUInt32LE(0);
      this.#file.write([newHeader(this.#spec, this.segmentNumber, salt)], 0);
      this.#file.sync();
      this.#hasHeader = true;
    } else {
      this.close();
      this.#vfs.rename(this.#path, join(directory, segmentFileName(this.segmentNumber)));
      this.#vfs.syncDirectory(directory);
      return true;
    }
    return false;
  }

  /** Releases the file; what is there stays. Idempotent. */
  close(): void {
    this.#file?.close();
  }

  /** Gives up and gives the space back. */
  abandon(): void {
    if (this.#file === undefined) return;
    this.close();
    this.#file = undefined;
    if (this.#vfs.exists(this.#path)) this.#vfs.remove(this.#path);
  }
}

/** A new segment at once, for the opening thread. */
export function createSegment(vfs: Vfs, spec: SegmentSpec, segmentNumber: number): void {
  const preparation = new SegmentPreparation(vfs, spec, segmentNumber);
  try {
    while (!preparation.step()) {
      // The next piece.
    }
  } finally {
    preparation.close();
  }
}

/**
 * Gives an obsolete segment file a new number. Its old blocks stay: they were sealed with another
 * salt. A file of another size than `spec.segmentBytes` is removed instead, and false returned.
 * When it throws, the file has its old name or SEGMENT_RECYCLED_NAME, and may be given again.
 */
export function recycleSegment(
  vfs: Vfs,
  spec: SegmentSpec,
  fileName: string,
  segmentNumber: number,
): boolean {
  const from = join(spec.directory, fileName);
  const between = join(spec.directory, SEGMENT_RECYCLED_NAME);
  const to = join(spec.directory, segmentFileName(segmentNumber));
  assert(from === to || !vfs.exists(to), 'a recycled segment replaces no other one');
  const file = vfs.open(from, 'read-write');
  try {
    if (file.size() !== spec.segmentBytes) {
      file.close();
      vfs.remove(from);
      vfs.syncDirectory(spec.directory);
      return false;
    }
    if (from !== between) vfs.rename(from, between);
    const header = new Uint8Array(SEGMENT_HEADER_BYTES);
    file.read(header, 0);
    file.write([newHeader(spec, segmentNumber, nextSalt(header))], 0);
    file.sync();
    vfs.rename(between, to);
    vfs.syncDirectory(spec.directory);
    return true;
  } finally {
    file.close();
  }
}

/**
 * Copies one log segment into a backup under the copy's database id. Blocks are sealed with salt
 * and offset, not with the id, so they stay as they are.
 */
import { join } from 'node:path';
import {
  BACKGROUND_SYNC_BYTES,
  MIB,
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  corrupt,
  decodeSegmentHeader,
  encodeSegmentHeader,
  segmentFileName,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';
import { readSource } from './read-source.js';

export interface SegmentCopy {
  readonly from: string;
  readonly target: string;
  readonly number: number;
  readonly databaseId: Uint8Array;
}

/** Durable afterwards, but for its name. Returns the bytes written. */
export function copySegment(vfs: Vfs, copy: SegmentCopy, poll: () => void): number {
  const from = vfs.open(copy.from, 'read');
  try {
    const to = vfs.open(join(copy.target, segmentFileName(copy.number)), 'create-exclusive');
    try {
      const written = copyBytes(from, copy.from, to, poll);
      to.write([newHeader(from, copy)], 0);
      to.sync();
      return written;
    } finally {
      to.close();
    }
  } finally {
    from.close();
  }
}

function copyBytes(from: VfsFile, path: string, to: VfsFile, poll: () => void): number {
  const window = new Uint8Array(MIB);
  let offset = SEGMENT_DATA_OFFSET;
  let unsynced = 0;
  for (;;) {
    poll();
    const count = readSource(from, path, window, offset);
    if (count === 0) return offset;
    to.write([window.subarray(0, count)], offset);
    offset += count;
    unsynced += count;
    if (unsynced >= BACKGROUND_SYNC_BYTES) {
      to.dataSync();
      unsynced = 0;
    }
  }
}

function newHeader(from: VfsFile, { from: path, databaseId }: SegmentCopy): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const count = readSource(from, path, bytes, 0);
  const decoded = decodeSegmentHeader(bytes.subarray(0, count), path);
  if (decoded.state !== 'valid') throw corrupt(path, 0, 'the log segment lost its header');
  return encodeSegmentHeader({ ...decoded.header, databaseId });
}

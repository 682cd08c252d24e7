/**
 * The log as it stood at one position, for reading it while it is written: what lies behind reads
 * as zeros, so that it ends there like a log that was never written further.
 */
import {
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

/** Where the next block goes. */
export interface LogPosition {
  readonly segmentNumber: number;
  readonly offset: number;
}

/** Files can only be read through it. `poll` is called at every read. */
export function frozenLog(base: Vfs, end: LogPosition, poll: () => void): Vfs {
  return {
    ...base,
    open: (path, mode) => {
      const file = base.open(path, mode);
      try {
        return frozenFile(file, endInside(file, path, end), poll);
      } catch (error) {
        file.close();
        throw error;
      }
    },
  };
}

/** Offset in this segment behind which everything reads as zeros. */
function endInside(file: VfsFile, path: string, end: LogPosition): number {
  const header = new Uint8Array(SEGMENT_HEADER_BYTES);
  const count = file.read(header, 0);
  const decoded = decodeSegmentHeader(header.subarray(0, count), path);
  if (decoded.state !== 'valid') return Infinity;
  const { segmentNumber } = decoded.header;
  if (segmentNumber < end.segmentNumber) return Infinity;
  return segmentNumber === end.segmentNumber ? end.offset : SEGMENT_DATA_OFFSET;
}

function frozenFile(file: VfsFile, end: number, poll: () => void): VfsFile {
  const refuse = (): never => {
    throw new TypeError('a frozen log is only read');
  };
  return {
    read: (target, offset) => {
      poll();
      if (offset + target.length <= end) return file.read(target, offset);
      const size = file.size();
      const count = Math.max(0, Math.min(target.length, size - offset));
      const real = Math.max(0, Math.min(count, end - offset));
      if (real > 0) file.read(target.subarray(0, real), offset);
      target.fill(0, real, count);
      return count;
    },
    write: refuse,
    dataSync: refuse,
    sync: refuse,
    truncate: refuse,
    size: () => file.size(),
    close: () => file.close(),
  };
}

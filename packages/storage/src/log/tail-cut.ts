/**
 * Cuts the tail that a scan found, so that blocks behind it never count again. Runs at open, before
 * the fsync worker starts. Idempotent, and may crash anywhere:
 * 1. First the later segments that hold blocks are removed, and the directory is synced. A crash
 *    now leaves a log that ends at the same place, with fewer blocks behind it.
 * 2. Then the END block is written at the tail. It sends the next scan on to the following segment,
 *    which by now holds nothing.
 */
import { join } from 'node:path';
import { assert } from '../assert.js';
import { corrupt } from '../errors.js';
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  EndReason,
  blockSeed,
  newBlockHeader,
  writeBlockHeader,
} from '../format/block.js';
import {
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  decodeSegmentHeader,
  type SegmentHeader,
} from '../format/segment.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import type { LogTail } from './scanner.js';

export interface LogPosition {
  segmentNumber: number;
  offset: number;
}

/** Returns where the next block is to be written; the segment may have to be made first. */
export function cutTail(vfs: Vfs, directory: string, tail: LogTail): LogPosition {
  if (!tail.needsCut) return { segmentNumber: tail.segmentNumber, offset: tail.offset };
  for (const fileName of tail.surplus) {
    const path = join(directory, fileName);
    if (vfs.exists(path)) vfs.remove(path);
  }
  if (tail.surplus.length > 0) vfs.syncDirectory(directory);
  if (tail.fileName === undefined) {
    return { segmentNumber: tail.segmentNumber, offset: SEGMENT_DATA_OFFSET };
  }
  writeEnd(vfs, join(directory, tail.fileName), tail);
  return { segmentNumber: tail.segmentNumber + 1, offset: SEGMENT_DATA_OFFSET };
}

function writeEnd(vfs: Vfs, path: string, tail: LogTail): void {
  withFile(vfs, path, (file) => {
    const segment = readHeader(file, path);
    assert(segment.segmentNumber === tail.segmentNumber, 'the tail lies in the segment it names');
    assert(tail.offset + BLOCK_HEADER_BYTES <= segment.segmentBytes, 'an END block fits');
    const end = newBlockHeader();
    end.kind = BlockKind.END;
    end.endReason = EndReason.CUT;
    end.firstSequence = tail.lastSequence;
    end.lastSequence = tail.lastSequence;
    end.syncedWatermark = tail.highestWatermark;
    end.timestampMs = tail.timestampMs;
    const seed = blockSeed(segment.salt, tail.offset);
    const block = new Uint8Array(BLOCK_HEADER_BYTES);
    writeBlockHeader(block, 0, end, seed);
    file.write([block], tail.offset);
    file.sync();
  });
}

function readHeader(file: VfsFile, path: string): SegmentHeader {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const count = file.read(bytes, 0);
  const decoded = decodeSegmentHeader(bytes.subarray(0, count), path);
  if (decoded.state !== 'valid') throw corrupt(path, 0, 'the segment header has changed');
  return decoded.header;
}

function withFile(vfs: Vfs, path: string, use: (file: VfsFile) => void): void {
  const file = vfs.open(path, 'read-write');
  try {
    use(file);
  } finally {
    file.close();
  }
}

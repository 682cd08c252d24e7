/**
 * Search for blocks that survive behind a bad place in the log: they are the witnesses that tell a
 * torn tail from damage. A block whose header is intact counts even when its payload is not: the
 * header was written after what it calls synced.
 */
import { BLOCK_ALIGNMENT, BLOCK_HEADER_BYTES, BlockKind, newBlockHeader } from '../format/block.js';
import type { SegmentReader } from './segment-reader.js';

/** BLOCK_MAGIC as it lies in the file. */
const MAGIC_BYTES = Buffer.from('MBLK', 'latin1');

export interface Survivors {
  blockCount: number;
  /** Headers and payloads of those blocks. */
  blockBytes: number;
  /** Highest watermark, 0 when there is none. */
  watermark: number;
  /** Lowest first sequence of a block with records; Infinity when there is none. */
  firstSequence: number;
}

export function noSurvivors(): Survivors {
  return { blockCount: 0, blockBytes: 0, watermark: 0, firstSequence: Infinity };
}

/** Looks at every aligned offset from `fromOffset` to the end of the segment; adds to `found`. */
export function findSurvivors(reader: SegmentReader, fromOffset: number, found: Survivors): void {
  const header = newBlockHeader();
  let offset = fromOffset;
  for (;;) {
    offset = nextMagic(reader, offset);
    if (offset + BLOCK_HEADER_BYTES > reader.endOffset) return;
    if (reader.readHeader(offset, header) !== undefined) {
      offset += BLOCK_ALIGNMENT;
      continue;
    }
    found.blockCount += 1;
    found.blockBytes += BLOCK_HEADER_BYTES + header.payloadBytes;
    found.watermark = Math.max(found.watermark, header.syncedWatermark);
    if (header.kind === BlockKind.DATA) {
      found.firstSequence = Math.min(found.firstSequence, header.firstSequence);
    }
    // Nothing can hide in an intact payload; a torn one may have been written over.
    const isWhole = reader.payloadPosition(offset, header) !== undefined;
    offset += BLOCK_HEADER_BYTES + (isWhole ? header.payloadBytes : 0);
  }
}

/** The next aligned offset that may hold a block; the end of the segment when there is none. */
function nextMagic(reader: SegmentReader, fromOffset: number): number {
  let offset = fromOffset;
  while (offset + BLOCK_HEADER_BYTES <= reader.endOffset) {
    const position = reader.load(offset, BLOCK_HEADER_BYTES);
    const bytes = reader.available(position);
    if (bytes < BLOCK_HEADER_BYTES) return reader.endOffset;
    const found = reader.window.subarray(position, position + bytes).indexOf(MAGIC_BYTES);
    if (found < 0) {
      // A magic number may lie across the end of the window: step back to the last aligned place.
      offset += (bytes - MAGIC_BYTES.length + 1 + BLOCK_ALIGNMENT - 1) & -BLOCK_ALIGNMENT;
      continue;
    }
    if (found % BLOCK_ALIGNMENT === 0) return offset + found;
    offset += (found + BLOCK_ALIGNMENT) & -BLOCK_ALIGNMENT;
  }
  return reader.endOffset;
}

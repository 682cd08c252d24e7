/**
 * Cuts the zeros off log segments, so that a real database of a few dozen commits has files of a
 * few dozen KiB instead of megabytes. A segment may have any size, the format says it in its
 * header: the bytes of all blocks stay as the engine wrote them.
 */
import {
  BLOCK_HEADER_BYTES,
  BlockKind,
  SEGMENT_DATA_OFFSET,
  SEGMENT_HEADER_BYTES,
  blockSeed,
  decodeSegmentHeader,
  encodeSegmentHeader,
  newBlockHeader,
  readBlockHeader,
  type BlockHeader,
} from '@manifold-db/storage';

/** Room behind the last byte that counts: some zeros to be damaged, or of an earlier life. */
const SLACK_BYTES = 600;
/** How far behind the end the next block of an earlier life may begin, to be kept. */
const STALE_BYTES_MAX = 24 * 1024;
const MAGIC = Buffer.from('MBLK', 'latin1');
const ALIGNMENT = 8;

/** A block of a log segment, as the engine wrote it. */
export interface BlockPlace {
  readonly offset: number;
  readonly header: BlockHeader;
}

/** The blocks from the start of a segment to the first place where there is none. */
export function blocksOf(bytes: Uint8Array): BlockPlace[] {
  const decoded = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), 'segment');
  if (decoded.state !== 'valid') return [];
  const blocks: BlockPlace[] = [];
  for (let offset = SEGMENT_DATA_OFFSET; ;) {
    const header = newBlockHeader();
    const seed = blockSeed(decoded.header.salt, offset);
    if (readBlockHeader(bytes, offset, seed, header) !== undefined) return blocks;
    blocks.push({ offset, header });
    if (header.kind === BlockKind.END) return blocks;
    offset += BLOCK_HEADER_BYTES + header.payloadBytes;
  }
}

/** The same segment with a size that its content needs; what is not one stays as it is. */
export function shrunkSegment(bytes: Uint8Array): Uint8Array {
  const decoded = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), 'segment');
  if (decoded.state !== 'valid') return bytes;
  const last = blocksOf(bytes).at(-1);
  const end =
    last === undefined
      ? SEGMENT_DATA_OFFSET
      : last.offset + BLOCK_HEADER_BYTES + last.header.payloadBytes;
  const stale = Buffer.from(bytes.subarray(end, end + STALE_BYTES_MAX)).indexOf(MAGIC);
  const kept = end + Math.max(0, stale) + SLACK_BYTES;
  const wanted = Math.ceil(kept / ALIGNMENT) * ALIGNMENT;
  const segmentBytes = Math.min(bytes.length, wanted);
  const shrunk = bytes.slice(0, segmentBytes);
  shrunk.set(encodeSegmentHeader({ ...decoded.header, segmentBytes }));
  return shrunk;
}

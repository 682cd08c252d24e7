/**
 * Reads one log segment through a window that holds any block whole, so that a scan makes few
 * system calls however small the blocks are, and needs the same memory however large the log is.
 * One thread; the window may be handed from one segment to the next.
 */
import { checksum } from '../checksum.js';
import {
  BLOCK_HEADER_BYTES,
  BlockProblem,
  blockSeed,
  readBlockHeader,
  type BlockHeader,
} from '../format/block.js';
import { assert } from '../assert.js';
import { WAL_BLOCK_PAYLOAD_BYTES_MAX } from '../limits.js';
import type { VfsFile } from '../vfs/vfs.js';

const BLOCK_BYTES_MAX = BLOCK_HEADER_BYTES + WAL_BLOCK_PAYLOAD_BYTES_MAX;
/** Two whole blocks: at least half of every read is new. */
export const WINDOW_BYTES = 2 * BLOCK_BYTES_MAX;

export class SegmentReader {
  /** For native search. */
  readonly window: Buffer;
  /** The same bytes; a plain array, so that hot code sees one kind of object only. */
  readonly bytes: Uint8Array;
  readonly #file: VfsFile;
  readonly #salt: number;
  /** Blocks end here, whatever the file holds behind it. */
  readonly #endOffset: number;
  #start = 0;
  #filled = 0;

  constructor(file: VfsFile, salt: number, endOffset: number, window: Buffer) {
    const bytesMin = Math.min(WINDOW_BYTES, endOffset);
    assert(window.length >= bytesMin, 'the window holds any block of the segment');
    this.window = window;
    this.bytes = new Uint8Array(window.buffer, window.byteOffset, window.length);
    this.#file = file;
    this.#salt = salt;
    this.#endOffset = endOffset;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  /** Where in the window `offset` is, once `bytes` bytes from there (or all there are) are in. */
  load(offset: number, bytes: number): number {
    const wantedEnd = Math.min(offset + bytes, this.#endOffset);
    if (offset < this.#start || wantedEnd > this.#start + this.#filled) {
      const room = Math.max(0, Math.min(this.window.length, this.#endOffset - offset));
      this.#filled = this.#file.read(this.bytes.subarray(0, room), offset);
      this.#start = offset;
    }
    return offset - this.#start;
  }

  /** Bytes in the window from `position` on. */
  available(position: number): number {
    return Math.max(0, this.#filled - position);
  }

  /** Decodes the block header at `offset`; it may be cut short by the end of the segment. */
  readHeader(offset: number, header: BlockHeader): BlockProblem | undefined {
    const position = this.load(offset, BLOCK_HEADER_BYTES);
    if (position + BLOCK_HEADER_BYTES > this.#filled) return BlockProblem.TOO_SHORT;
    return readBlockHeader(this.bytes, position, blockSeed(this.#salt, offset), header);
  }

  /**
   * Position in the window of the payload of the block at `offset`, whose header was just read, or
   * `undefined` when the payload is not the one the header speaks of.
   */
  payloadPosition(offset: number, header: BlockHeader): number | undefined {
    const position = this.load(offset, BLOCK_HEADER_BYTES + header.payloadBytes);
    const start = position + BLOCK_HEADER_BYTES;
    const end = start + header.payloadBytes;
    if (end > this.#filled) return undefined;
    if (header.payloadBytes === 0) return start;
    const crc = checksum(this.bytes.subarray(start, end), blockSeed(this.#salt, offset));
    return crc === header.payloadCrc ? start : undefined;
  }
}

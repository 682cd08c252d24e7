/**
 * Writes cut into the chunks that a content is made of. The same piece of a write on the same chunk
 * gives the same chunk, as an object: so very many crash states of one moment share their memory,
 * and each chunk is looked at once (`content-hash.ts`). Single-threaded.
 */

export const CHUNK_BYTES = 4096;
export const ZERO_CHUNK = new Uint8Array(CHUNK_BYTES);
const WORD_BYTES = 4;

/** `undefined` for zeros. */
export type Chunk = Uint8Array | undefined;

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, ZERO_CHUNK.subarray(0, bytes.length)) === 0;
}

/** Chunks that a piece remembers to have made. */
const MADE_MAX = 16;

/** What a write puts into one chunk; its bytes never change. */
export class Piece {
  readonly index: number;
  /** Offset within the chunk. */
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly #isZero: boolean;
  /** By the chunk that was there. */
  #made: Map<Chunk, Chunk> | undefined;

  /** The bytes are those of the caller, who does not change them any more. */
  constructor(index: number, start: number, bytes: Uint8Array) {
    this.index = index;
    this.start = start;
    this.#isZero = isZero(bytes);
    // Zeros of a large write share their memory.
    this.bytes = this.#isZero ? ZERO_CHUNK.subarray(0, bytes.length) : bytes;
  }

  get isWhole(): boolean {
    return this.bytes.length === CHUNK_BYTES;
  }

  /** Where in the content it ends. */
  get end(): number {
    return this.index * CHUNK_BYTES + this.start + this.bytes.length;
  }

  /** The chunk with this in it. */
  on(old: Chunk): Chunk {
    if (this.#isZero && (old === undefined || this.isWhole)) return undefined;
    if (this.isWhole && this.bytes.byteOffset % WORD_BYTES === 0) return this.bytes;
    const known = this.#made?.get(old);
    if (known !== undefined) return known;
    const chunk = (old ?? ZERO_CHUNK).slice();
    chunk.set(this.bytes, this.start);
    if (this.#isZero && isZero(chunk)) return undefined;
    if (this.#made === undefined || this.#made.size >= MADE_MAX) this.#made = new Map();
    this.#made.set(old, chunk);
    return chunk;
  }

  /** What bytes `from` to `to` of it put there; `undefined` for none. */
  part(from: number, to: number): Piece | undefined {
    const [first, end] = [Math.max(0, from), Math.min(this.bytes.length, to)];
    if (first >= end) return undefined;
    if (first === 0 && end === this.bytes.length) return this;
    return new Piece(this.index, this.start + first, this.bytes.subarray(first, end));
  }
}

/** A write; the bytes are those of the caller, who does not change them any more. */
export function piecesOf(data: Uint8Array, offset: number): Piece[] {
  const pieces: Piece[] = [];
  for (let done = 0; done < data.length;) {
    const position = offset + done;
    const start = position % CHUNK_BYTES;
    const count = Math.min(data.length - done, CHUNK_BYTES - start);
    const index = (position - start) / CHUNK_BYTES;
    pieces.push(new Piece(index, start, data.subarray(done, done + count)));
    done += count;
  }
  return pieces;
}

/** What bytes `from` to `to` of a write put there. */
export function partOf(pieces: readonly Piece[], from: number, to: number): Piece[] {
  const parts: Piece[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const part = piece.part(from - offset, to - offset);
    if (part !== undefined) parts.push(part);
    offset += piece.bytes.length;
  }
  return parts;
}

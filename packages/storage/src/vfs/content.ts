/**
 * Content of a simulated file: immutable 4 KiB chunks in a table that is copied on write, so that a
 * copy of a whole disk costs a few objects. A chunk of zeros is not stored. Single-threaded.
 *
 * Invariants:
 * 1. A chunk is never changed once it is in a table, nor the bytes of a piece that was cut.
 * 2. A table that two contents share (`#shared`) is copied before one of them changes it.
 * 3. Bytes at and beyond `bytes` are zero.
 */
import { assert } from '../assert.js';
import { CHUNK_BYTES, Piece, ZERO_CHUNK, type Chunk } from './content-pieces.js';
import { type ContentHash, TableHash, chunkHash } from './content-hash.js';

/** Called once for every chunk of the first content that is read before it is replaced. */
export type ReadObserver = (index: number, hash: number) => void;

/** What is observed of one content. */
class Observation {
  readonly observer: ReadObserver;
  /** Chunks that were observed, or replaced by others: also where zeros replaced zeros. */
  readonly settled = new Set<number>();
  /** Chunks from here on were cut off. */
  cutAt = Infinity;

  constructor(observer: ReadObserver) {
    this.observer = observer;
  }
}

export class Content {
  bytes = 0;
  #chunks: Chunk[] = [];
  #shared = false;
  #hash = TableHash.EMPTY;
  #observation: Observation | undefined;

  /** From now on; a chunk that is written in part counts as read. */
  observe(observer: ReadObserver): void {
    assert(this.#observation === undefined, 'a content has one observer');
    this.#observation = new Observation(observer);
  }

  /** 0 for zeros. */
  hashAt(index: number): number {
    const chunk = this.#chunks[index];
    return chunk === undefined ? 0 : chunkHash(chunk);
  }

  /** A copy that shares everything until one side changes. */
  copy(): Content {
    const copy = new Content();
    copy.bytes = this.bytes;
    copy.#chunks = this.#chunks;
    copy.#shared = true;
    copy.#hash = this.#hash;
    this.#shared = true;
    return copy;
  }

  read(target: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(target.length, this.bytes - offset));
    let done = 0;
    while (done < count) {
      const position = offset + done;
      const start = position % CHUNK_BYTES;
      const part = Math.min(count - done, CHUNK_BYTES - start);
      const index = (position - start) / CHUNK_BYTES;
      const chunk = this.#chunks[index];
      this.noteRead(index);
      if (chunk === undefined) target.fill(0, done, done + part);
      else if (part === CHUNK_BYTES) target.set(chunk, done);
      else target.set(chunk.subarray(start, start + part), done);
      done += part;
    }
    return count;
  }

  /** Pieces of one write, in order. */
  write(pieces: readonly Piece[]): void {
    this.#own();
    for (const piece of pieces) {
      this.#store(piece);
      if (piece.end > this.bytes) this.bytes = piece.end;
    }
  }

  truncate(bytes: number): void {
    if (bytes < this.bytes) {
      this.#own();
      const start = bytes % CHUNK_BYTES;
      const last = (bytes - start) / CHUNK_BYTES;
      this.#chunks.length = Math.min(this.#chunks.length, last + 1);
      this.#store(new Piece(last, start, ZERO_CHUNK.subarray(start)));
      const observation = this.#observation;
      if (observation) observation.cutAt = Math.min(observation.cutAt, last + 1);
    }
    this.bytes = bytes;
  }

  addTo(hash: ContentHash): void {
    hash.add(this.bytes);
    this.settleHash().addTo(hash);
  }

  /** Copies from now on, and what they have in common with this, need no hash of their own. */
  settleHash(): TableHash {
    if (this.#hash.table === this.#chunks && this.#shared) return this.#hash;
    this.#hash = this.#hash.of(this.#chunks);
    this.#shared = true;
    return this.#hash;
  }

  /** As if something of the chunk was read now. */
  noteRead(index: number): void {
    const observation = this.#observation;
    if (observation === undefined) return;
    const { settled, cutAt, observer } = observation;
    if (index >= cutAt || settled.has(index)) return;
    settled.add(index);
    observer(index, this.hashAt(index));
  }

  #store(piece: Piece): void {
    const { index } = piece;
    if (!piece.isWhole) this.noteRead(index);
    else this.#observation?.settled.add(index);
    this.#chunks[index] = piece.on(this.#chunks[index]);
  }

  #own(): void {
    if (!this.#shared) return;
    this.#chunks = this.#chunks.slice();
    this.#shared = false;
  }
}

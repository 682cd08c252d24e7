/**
 * Content of a simulated file: immutable 4 KiB chunks in a table that is copied on write, so that a
 * copy of a whole disk costs a few objects. A chunk of zeros is not stored. Single-threaded.
 *
 * Invariants:
 * 1. A chunk is never changed once it is in a table.
 * 2. A table that two contents share (`#shared`) is copied before one of them changes it.
 * 3. Bytes at and beyond `bytes` are zero.
 */
import { type ContentHash, chunkHash } from './content-hash.js';

const CHUNK_BYTES = 4096;
const ZERO_CHUNK = new Uint8Array(CHUNK_BYTES);

type Chunk = Uint8Array | undefined;

function isZero(chunk: Uint8Array): boolean {
  return Buffer.compare(chunk, ZERO_CHUNK) === 0;
}

/** Called once for every chunk of the first content that is read before it is replaced. */
export type ReadObserver = (index: number, hash: number) => void;

export class Content {
  bytes = 0;
  #chunks: Chunk[] = [];
  #shared = false;
  #observer: ReadObserver | undefined;
  /** Chunks that were observed, or replaced by others: also where zeros replaced zeros. */
  readonly #settled = new Set<number>();
  /** Chunks from here on were cut off. */
  #cutAt = Infinity;

  /** From now on; a chunk that is written in part counts as read. */
  observe(observer: ReadObserver): void {
    this.#observer = observer;
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
    this.#shared = true;
    return copy;
  }

  read(target: Uint8Array, offset: number): number {
    const count = Math.max(0, Math.min(target.length, this.bytes - offset));
    target.fill(0, 0, count);
    let done = 0;
    while (done < count) {
      const position = offset + done;
      const start = position % CHUNK_BYTES;
      const part = Math.min(count - done, CHUNK_BYTES - start);
      const index = (position - start) / CHUNK_BYTES;
      const chunk = this.#chunks[index];
      this.#observe(index);
      if (chunk !== undefined) target.set(chunk.subarray(start, start + part), done);
      done += part;
    }
    return count;
  }

  write(source: Uint8Array, offset: number): void {
    this.#own();
    let done = 0;
    while (done < source.length) {
      const position = offset + done;
      const start = position % CHUNK_BYTES;
      const part = Math.min(source.length - done, CHUNK_BYTES - start);
      this.#store((position - start) / CHUNK_BYTES, start, source.subarray(done, done + part));
      done += part;
    }
    this.bytes = Math.max(this.bytes, offset + source.length);
  }

  truncate(bytes: number): void {
    if (bytes < this.bytes) {
      this.#own();
      const start = bytes % CHUNK_BYTES;
      const last = (bytes - start) / CHUNK_BYTES;
      this.#chunks.length = Math.min(this.#chunks.length, last + 1);
      this.#store(last, start, ZERO_CHUNK.subarray(start));
      this.#cutAt = Math.min(this.#cutAt, last + 1);
    }
    this.bytes = bytes;
  }

  addTo(hash: ContentHash): void {
    hash.add(this.bytes);
    for (const [index, chunk] of this.#chunks.entries()) {
      if (chunk === undefined) continue;
      hash.add(index);
      hash.addHash(chunkHash(chunk));
    }
  }

  #store(index: number, start: number, bytes: Uint8Array): void {
    const old = this.#chunks[index];
    if (bytes.length < CHUNK_BYTES) this.#observe(index);
    else if (this.#observer !== undefined) this.#settled.add(index);
    const chunk = new Uint8Array(CHUNK_BYTES);
    if (old !== undefined && bytes.length < CHUNK_BYTES) chunk.set(old);
    chunk.set(bytes, start);
    this.#chunks[index] = isZero(chunk) ? undefined : chunk;
  }

  #observe(index: number): void {
    if (this.#observer === undefined || index >= this.#cutAt || this.#settled.has(index)) return;
    this.#settled.add(index);
    this.#observer(index, this.hashAt(index));
  }

  #own(): void {
    if (!this.#shared) return;
    this.#chunks = this.#chunks.slice();
    this.#shared = false;
  }
}

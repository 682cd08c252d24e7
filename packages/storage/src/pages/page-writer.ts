/**
 * Collects pages with consecutive numbers in a private buffer and writes each run in one call.
 * Shared frames are copied here and sealed in the copy: the checksum is never stored in a frame
 * that another thread may be reading.
 *
 * The buffer grows to what the longest run needs: most checkpoints write a few pages.
 */
import { ManifoldError, errnoOf } from '../errors.js';
import { sealPage } from '../format/page-header.js';
import type { VfsFile } from '../vfs/vfs.js';

const FIRST_PAGES = 8;

export class PageWriter {
  readonly #file: VfsFile;
  readonly #pageBytes: number;
  #buffer: Uint8Array;
  readonly #capacity: number;
  #first = 0;
  #count = 0;
  bytesWritten = 0;

  constructor(file: VfsFile, pageBytes: number, bufferBytes: number) {
    this.#file = file;
    this.#pageBytes = pageBytes;
    this.#capacity = Math.max(1, Math.floor(bufferBytes / pageBytes));
    this.#buffer = new Uint8Array(Math.min(FIRST_PAGES, this.#capacity) * pageBytes);
  }

  /** A sealed page; the bytes are copied. */
  add(page: number, sealed: Uint8Array): void {
    this.#place(page).set(sealed);
  }

  /** A page in a shared frame: copied, then sealed. */
  addCopy(page: number, frameBytes: Uint8Array): void {
    const target = this.#place(page);
    target.set(frameBytes);
    sealPage(target, page);
  }

  flush(): void {
    if (this.#count === 0) return;
    const bytes = this.#count * this.#pageBytes;
    this.#file.write([this.#buffer.subarray(0, bytes)], this.#first * this.#pageBytes);
    this.bytesWritten += bytes;
    this.#count = 0;
  }

  /** Pages of a diff that is undone are not written any more: their numbers may be taken anew. */
  forget(pages: Int32Array): void {
    if (this.#count === 0) return;
    const gone = new Set(pages);
    let goneCount = 0;
    for (let i = 0; i < this.#count; i++) if (gone.has(this.#first + i)) goneCount++;
    // Pages of another diff among them have to be written, in one run with these.
    if (goneCount === this.#count) this.#count = 0;
    else if (goneCount > 0) this.flush();
  }

  #place(page: number): Uint8Array {
    if (this.#count > 0 && (page !== this.#first + this.#count || this.#count === this.#capacity)) {
      this.flush();
    }
    if (this.#count === 0) this.#first = page;
    const at = this.#count++ * this.#pageBytes;
    if (at === this.#buffer.length) this.#grow();
    return this.#buffer.subarray(at, at + this.#pageBytes);
  }

  #grow(): void {
    const bytesMax = this.#capacity * this.#pageBytes;
    const grown = new Uint8Array(Math.min(bytesMax, this.#buffer.length * 2));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

/** What the operating system says when a page of a running transaction cannot be written. */
export function earlyWriteError(path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || error instanceof ManifoldError) return error;
  const isFull = errno === 'ENOSPC' || errno === 'EDQUOT';
  return new ManifoldError(
    isFull ? 'ERR_MANIFOLD_FULL' : 'ERR_MANIFOLD_IO',
    `${path}: a page of a large change cannot be written: ${(error as Error).message}`,
    { cause: error, path },
  );
}

/**
 * Reads the pages of one checkpoint straight from the data file, past every cache, and says what is
 * wrong with them instead of throwing. Any thread; private to it.
 */
import { errnoOf } from '../errors.js';
import { META_PAGE_COUNT, type Meta } from '../format/meta.js';
import { checkPage } from '../format/page-header.js';
import type { VfsFile } from '../vfs/vfs.js';

/** Something wrong with a page of the data file. */
export interface PageProblem {
  readonly page: number;
  readonly message: string;
}

/** One page, as bytes and as words. */
export class PageBuffer {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;

  constructor(pageBytes: number) {
    const buffer = new ArrayBuffer(pageBytes);
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
  }
}

export class PageSource {
  readonly path: string;
  readonly pageBytes: number;
  readonly pageCount: number;
  readonly #file: VfsFile;
  /** Every birth of the checkpoint is below. */
  readonly #birthCounter: number;

  readonly #reportsUnreadable: boolean;

  /** `reportsUnreadable`: that the disk cannot read a page is a finding; else it is thrown. */
  constructor(file: VfsFile, path: string, meta: Meta, reportsUnreadable = true) {
    this.#reportsUnreadable = reportsUnreadable;
    this.#file = file;
    this.path = path;
    this.pageBytes = meta.pageBytes;
    this.pageCount = meta.pageCount;
    this.#birthCounter = meta.birthCounter;
  }

  /** Whether a tree or the free map may refer to this page. */
  isInside(page: number): boolean {
    return page >= META_PAGE_COUNT && page < this.pageCount;
  }

  /** Reads a page that is inside; what is wrong with it, or `undefined`. */
  read(page: number, birth: number, target: PageBuffer): string | undefined {
    let count: number;
    try {
      count = this.#file.read(target.u8, page * this.pageBytes);
    } catch (error) {
      if (!this.#reportsUnreadable || errnoOf(error) !== 'EIO') throw error;
      return `page ${page}: cannot be read (EIO)`;
    }
    if (count < this.pageBytes) return `page ${page}: lies behind the end of the file`;
    const problem = checkPage(target.u8, page, birth);
    if (problem !== undefined) return problem;
    if (birth >= this.#birthCounter) return `page ${page}: birth ${birth} was never given out`;
    return undefined;
  }
}

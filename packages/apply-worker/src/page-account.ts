/**
 * The page account: which pages belong to the version at the staged sequence, and which of them are
 * not in the data file yet. Threads: apply worker 0 alone.
 *
 * Invariants
 * 1. `inUse` is exactly the metas, the catalog, the free map and the pages that the staged roots
 *    reach.
 * 2. `unwritten` is a subset: pages made since the last checkpoint was frozen. A page superseded
 *    before it was ever written leaves it and is never written.
 */
import {
  InvariantError,
  META_PAGE_COUNT,
  PageBitmap,
  freeMapChunkPages,
} from '@manifold-db/storage';

export class PageAccount {
  readonly inUse: PageBitmap;
  unwritten = new PageBitmap();
  /** Chunks of the free map whose bits changed since the last checkpoint was frozen. */
  changedChunks = new PageBitmap();
  readonly chunkPages: number;

  constructor(inUse: PageBitmap, pageBytes: number) {
    this.inUse = inUse;
    this.chunkPages = freeMapChunkPages(pageBytes);
  }

  allocated(page: number): void {
    if (page < META_PAGE_COUNT || !this.inUse.add(page)) {
      throw new InvariantError(`page ${page} is allocated although it is in use`);
    }
    this.unwritten.add(page);
    this.changedChunks.add(Math.floor(page / this.chunkPages));
  }

  freed(page: number): void {
    if (page < META_PAGE_COUNT || !this.inUse.delete(page)) {
      throw new InvariantError(`page ${page} is freed although it is not in use`);
    }
    this.unwritten.delete(page);
    this.changedChunks.add(Math.floor(page / this.chunkPages));
  }
}

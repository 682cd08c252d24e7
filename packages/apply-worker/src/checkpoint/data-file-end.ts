/**
 * The end of the data file: how many pages of it are durable, and making it longer. Threads: apply
 * worker 0; other threads may write pages of running transactions behind the end meanwhile.
 */
import {
  TEST_SWITCH_GROWTH_NOT_WRITTEN,
  claimPagesAtEnd,
  isTestSwitchOn,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DiskSpace } from '../disk-space.js';

/** The file grows by this share of its length, within bounds. */
const GROWTH_SHIFT = 4;
const GROWTH_PAGES_MAX = 256;

export class DataFileEnd {
  /** Pages that the file is known to have after a power loss. */
  pageCount: number;
  readonly #context: ApplyContext;
  readonly #space: DiskSpace;
  readonly #addFreePage: (page: number) => void;
  #claimed = 0;
  #claimedCount = 0;

  constructor(
    context: ApplyContext,
    space: DiskSpace,
    pageCount: number,
    addFreePage: (page: number) => void,
  ) {
    this.#context = context;
    this.#space = space;
    this.pageCount = pageCount;
    this.#addFreePage = addFreePage;
  }

  /** Whether `page` lies behind the durable end. */
  isBehind(page: number): boolean {
    return page >= this.pageCount;
  }

  /** Makes the file at least as long as all page numbers in use; false when the disk is full. */
  grow(): boolean {
    const { shared, dataFile, pager } = this.#context;
    if (this.#claimedCount === 0) {
      this.#claimedCount = Math.min(GROWTH_PAGES_MAX, 1 + (this.pageCount >>> GROWTH_SHIFT));
      this.#claimed = claimPagesAtEnd(shared, this.#claimedCount);
    }
    const last = this.#claimed + this.#claimedCount - 1;
    const isWritten = this.#space.attempt('checkpoint', () => {
      // B12 re-injected: only the meta page will say that the file is longer.
      if (isTestSwitchOn(shared, TEST_SWITCH_GROWTH_NOT_WRITTEN)) return;
      dataFile.write([new Uint8Array(pager.pageBytes)], last * pager.pageBytes);
    });
    if (!isWritten) return false;
    this.#space.succeeded('checkpoint');
    dataFile.sync();
    for (let page = this.#claimed; page <= last; page++) this.#addFreePage(page);
    this.#claimedCount = 0;
    this.pageCount = last + 1;
    return true;
  }
}

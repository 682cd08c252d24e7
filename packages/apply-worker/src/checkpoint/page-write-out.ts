/**
 * Writes pages from their frames to their places in the data file, sorted and coalesced, in bounded
 * steps. Threads: apply worker 0.
 *
 * Invariants
 * 1. The pages belong to a frozen version, so a dirty one stays in its frame, unchanged, until it
 *    is marked clean here.
 * 2. Frames become clean only after the data was synced: a page that the kernel failed to write is
 *    not evicted.
 * 3. A page without a dirty frame was written early by the thread that made it.
 */
import {
  BACKGROUND_SYNC_BYTES,
  MIB,
  NO_FRAME,
  PageWriter,
  STAT_CHECKPOINT_BYTES,
  STAT_CHECKPOINT_PAGES,
  TEST_SWITCH_PAGES_NOT_SYNCED,
  isTestSwitchOn,
  lockPages,
  unlockPages,
} from '@manifold-db/storage';
import type { ApplyContext } from '../context.js';
import type { DiskSpace } from '../disk-space.js';

/** At most this share of the frames is written and not yet synced. */
const UNSYNCED_SHARE = 8;

export class PageWriteOut {
  readonly #context: ApplyContext;
  readonly #space: DiskSpace;
  readonly #pagesPerStep: number;
  readonly #unsyncedBytesMax: number;
  readonly #frames: Int32Array;
  #writer: PageWriter | undefined;
  #pages: Int32Array;
  #next = 0;
  /** Pages before this one are synced and clean. */
  #clean = 0;
  #unsyncedBytes = 0;

  constructor(context: ApplyContext, space: DiskSpace, pages: Int32Array) {
    this.#context = context;
    this.#space = space;
    this.#pages = pages;
    const { pageBytes, cacheBytes } = context.shared.sizes;
    this.#pagesPerStep = Math.max(1, Math.floor(MIB / pageBytes));
    this.#unsyncedBytesMax = Math.min(BACKGROUND_SYNC_BYTES, cacheBytes / UNSYNCED_SHARE);
    this.#frames = new Int32Array(this.#pagesPerStep);
  }

  /** More pages, ascending; those before were all written. */
  add(pages: Int32Array): void {
    const rest = this.#pages.subarray(this.#clean);
    const all = new Int32Array(rest.length + pages.length);
    all.set(rest);
    all.set(pages, rest.length);
    this.#next -= this.#clean;
    this.#clean = 0;
    this.#pages = all;
  }

  get isWritten(): boolean {
    return this.#next === this.#pages.length;
  }

  /** What was written last still occupies its frames, until the next sync. */
  get isUnsynced(): boolean {
    return this.#clean < this.#next;
  }

  /** Writes or syncs the next piece; false when the disk is full. */
  step(): boolean {
    if (this.#unsyncedBytes >= this.#unsyncedBytesMax) {
      this.sync();
      return true;
    }
    const end = Math.min(this.#next + this.#pagesPerStep, this.#pages.length);
    this.#findDirty(this.#next, end);
    let written = 0;
    const isDone = this.#space.attempt('checkpoint', () => {
      written = this.#write(this.#next, end);
    });
    if (!isDone) {
      // Its buffer holds a part of the piece, which is written anew next time.
      this.#writer = undefined;
      return false;
    }
    this.#space.succeeded('checkpoint');
    this.#next = end;
    const bytes = written * this.#context.pager.pageBytes;
    this.#unsyncedBytes += bytes;
    const { statistics } = this.#context.shared;
    statistics[STAT_CHECKPOINT_PAGES]! += written;
    statistics[STAT_CHECKPOINT_BYTES]! += bytes;
    return true;
  }

  /** Makes everything written so far durable; its frames may be evicted then. */
  sync(): void {
    const { dataFile, pager, shared } = this.#context;
    // B7 re-injected: the meta page is written before the pages it refers to are synced.
    if (!isTestSwitchOn(shared, TEST_SWITCH_PAGES_NOT_SYNCED)) dataFile.dataSync();
    pager.markClean(this.#pages.subarray(this.#clean, this.#next), this.#next - this.#clean);
    this.#clean = this.#next;
    this.#unsyncedBytes = 0;
  }

  /** Under the lock, where a miss is a miss. What is dirty stays where it is (invariant 1). */
  #findDirty(from: number, end: number): void {
    const { pager, shared } = this.#context;
    lockPages(shared);
    for (let i = from; i < end; i++) {
      const frame = pager.findFrame(this.#pages[i]!);
      const isDirty = frame !== NO_FRAME && pager.isDirty(frame);
      this.#frames[i - from] = isDirty ? frame : NO_FRAME;
    }
    unlockPages(shared);
  }

  #write(from: number, end: number): number {
    const { pager, dataFile } = this.#context;
    const writer = (this.#writer ??= new PageWriter(dataFile, pager.pageBytes, MIB));
    let written = 0;
    for (let i = from; i < end; i++) {
      const frame = this.#frames[i - from]!;
      if (frame === NO_FRAME) continue;
      writer.addCopy(this.#pages[i]!, pager.frameBytes(frame));
      written++;
    }
    writer.flush();
    return written;
  }
}

/**
 * The page manager as one thread sees it: finds pages in the shared frames or reads them from the
 * data file, allocates and copies pages for a diff, retires what nobody needs any more. One
 * instance per thread; the shared state is described in `layout/pages.ts`.
 *
 * Invariants
 * 1. Frames are used only between `beginOperation` and `endOperation`; what `fetch` returned stays
 *    unchanged until then, because recycling waits for this thread's epoch.
 * 2. Only a frame whose owner is the running diff's token is changed, and only by the diff's
 *    thread; owned frames are DIRTY, so eviction passes them by.
 * 3. A page is read from the file only when no frame holds it; its checksum, number and birth are
 *    verified before its frame is linked.
 */
import { assert, COSTLY_CHECKS } from '../assert.js';
import {
  PAGE_HEADER_BIRTH_HIGH,
  PAGE_HEADER_BIRTH_LOW,
  PAGE_HEADER_KIND,
  PAGE_HEADER_LEVEL,
  PAGE_HEADER_NUMBER,
  sealPage,
  writePageBirth,
} from '../format/page-header.js';
import { NO_FRAME } from '../ids.js';
import { EPOCH_GLOBAL, EPOCH_QUIESCENT, EPOCH_SLOTS, EPOCH_SLOT_WORDS } from '../layout/epochs.js';
import {
  FRAMES_COUNT,
  FRAMES_DIRTY,
  FRAMES_FREE_COUNT,
  FRAME_NEXT,
  FRAME_OWNER,
  FRAME_OWNER_HIGH,
  FRAME_PAGE,
  FRAME_ROW_SHIFT,
  FRAME_STATE,
  FRAME_USED,
  PAGES_BIRTH,
  PAGES_FREE_COUNT,
  RETIRED_COUNT,
  STATE_DIRTY,
} from '../layout/pages.js';
import { FREE_PAGES_SHARED_MAX, MIB, REGION_BYTES_MAX, THREADS_MAX } from '../limits.js';
import type { Shared } from '../shared.js';
import { loadWide } from '../sync/wide.js';
import type { VfsFile } from '../vfs/vfs.js';
import type { Diff, DiffMark } from './diff.js';
import {
  advanceEpoch,
  bucketOf,
  epochPassed,
  evictFrames,
  findFrame,
  linkFrame,
  ownFrame,
  recycleFrames,
  retireFrame,
} from './frame-table.js';
import { FrameHints } from './frame-hints.js';
import { Magazine } from './magazine.js';
import { giveFreePages, markPagesClean, pushFreePages, retirePages } from './page-release.js';
import { PageLoader } from './page-loader.js';
import { lockPages, tryLockPages, unlockPages } from './pages-lock.js';
import { PageWriter, earlyWriteError } from './page-writer.js';

/**
 * `beginOperation` makes room when fewer frames than this are free: a share of the cache, so that a
 * thread that was put to sleep inside an operation, and holds up recycling, is survived for a
 * while.
 */
const FREE_FRAMES_LOW_SHARE = 1 / 16;
const FREE_FRAMES_LOW_MIN = 48;
const FREE_FRAMES_LOW_MAX = 1024;
/** Frames evicted beyond what is wanted. */
const EVICTION_BATCH = 128;

export interface PagerOptions {
  readonly shared: Shared;
  readonly thread: number;
  /** The data file; without one (a database that lives in memory) a miss is a broken invariant. */
  readonly file?: VfsFile | undefined;
  readonly path: string;
  /** False when the file may not be written: transactions are then limited to the cache. */
  readonly canWriteThrough: boolean;
}

export class Pager {
  readonly pageBytes: number;
  readonly pageShift: number;
  readonly regionShift: number;
  readonly regionMask: number;
  readonly u8: Uint8Array[] = [];
  readonly i32: Int32Array[] = [];
  readonly canWriteThrough: boolean;
  readonly shared: Shared;
  readonly file: VfsFile | undefined;
  readonly path: string;
  readonly thread: number;
  readonly loader: PageLoader;

  private readonly frameTable: Int32Array;
  private readonly frameBuckets: Int32Array;
  private readonly frames: number;
  private readonly freeFramesLow: number;
  private readonly epochs: Int32Array;
  private readonly epochSlot: number;
  private readonly magazine: Magazine;
  private readonly hints: FrameHints;
  private lastBuild = 0;
  private pageWriter: PageWriter | undefined;

  constructor(options: PagerOptions) {
    const { shared } = options;
    this.shared = shared;
    this.thread = options.thread;
    this.file = options.file;
    this.path = options.path;
    this.canWriteThrough = options.canWriteThrough;
    this.pageBytes = shared.sizes.pageBytes;
    this.pageShift = Math.log2(this.pageBytes);
    this.regionShift = Math.log2(REGION_BYTES_MAX / this.pageBytes);
    this.regionMask = (1 << this.regionShift) - 1;
    for (const region of shared.frameRegions) {
      this.u8.push(new Uint8Array(region));
      this.i32.push(new Int32Array(region));
    }
    this.frameTable = shared.frameTable;
    this.frameBuckets = shared.frameBuckets;
    this.frames = shared.pagesControl[FRAMES_COUNT]!;
    this.hints = new FrameHints(this.frames);
    const lowShare = Math.floor(this.frames * FREE_FRAMES_LOW_SHARE);
    this.freeFramesLow = Math.max(FREE_FRAMES_LOW_MIN, Math.min(FREE_FRAMES_LOW_MAX, lowShare));
    this.epochs = shared.epochs;
    this.epochSlot = EPOCH_SLOTS + options.thread * EPOCH_SLOT_WORDS;
    this.magazine = new Magazine(shared);
    this.loader = new PageLoader(this);
  }

  // --- epochs -----------------------------------------------------------------------------------

  beginOperation(): void {
    if (COSTLY_CHECKS) {
      assert(this.epochs[this.epochSlot] === EPOCH_QUIESCENT, 'operations do not nest');
    }
    if (this.freeFrames() < this.freeFramesLow) this.makeRoom(this.freeFramesLow);
    // The slot is stored (a full fence) before the first bucket is loaded atomically: a frame
    // retired before this store is off its chain by then, one retired later carries a tag that is
    // not below our epoch, so it is not recycled under us.
    const epoch = Atomics.load(this.epochs, EPOCH_GLOBAL);
    Atomics.store(this.epochs, this.epochSlot, epoch);
    this.hints.begin(epoch, Atomics.load(this.epochs, EPOCH_GLOBAL));
  }

  endOperation(): void {
    Atomics.store(this.epochs, this.epochSlot, EPOCH_QUIESCENT);
  }

  freeFrames(): number {
    return this.shared.pagesControl[FRAMES_FREE_COUNT]!;
  }

  /**
   * Evicts and recycles until `wanted` frames are free, if it can; outside an operation, so that
   * this thread's own epoch is no obstacle. Returns whether it could.
   */
  makeRoom(wanted: number): boolean {
    const control = this.shared.pagesControl;
    if (!tryLockPages(this.shared)) return this.freeFrames() >= wanted;
    if (control[RETIRED_COUNT] !== 0) advanceEpoch(this.shared);
    recycleFrames(this.shared);
    if (this.freeFrames() < wanted) {
      const missing = wanted - this.freeFrames() - control[RETIRED_COUNT]!;
      if (missing > 0) evictFrames(this.shared, missing + EVICTION_BATCH);
      recycleFrames(this.shared);
    }
    unlockPages(this.shared);
    return this.freeFrames() >= wanted;
  }

  /** Frames that this thread has set aside. */
  reservedFrames(): number {
    return this.magazine.frameCount;
  }

  /**
   * Sets frames aside for the next operation of this thread: once it runs, other threads may take
   * what is free, and its own epoch holds up recycling. Returns whether there are as many.
   */
  reserveFrames(count: number): boolean {
    const missing = count - this.magazine.frameCount;
    if (missing <= 0) return true;
    if (this.freeFrames() < missing) this.makeRoom(missing);
    return this.magazine.fillFrames(count);
  }

  returnFrames(): void {
    this.magazine.returnFrames();
  }

  /** Frames that are on their way to the free list, once other threads end their operations. */
  retiredFrames(): number {
    return this.shared.pagesControl[RETIRED_COUNT]!;
  }

  // --- finding pages ----------------------------------------------------------------------------

  fetch(page: number, birth: number): number {
    const { hints } = this;
    const at = hints.at(page);
    if (hints.hold && hints.words[at] === page) {
      const frame = hints.words[at + 1]!;
      if (COSTLY_CHECKS) this.assertFound(frame, page, birth);
      return frame;
    }
    // `findFrame` by hand: this is the innermost step of every descent.
    const table = this.frameTable;
    let frame = Atomics.load(this.frameBuckets, bucketOf(page, this.frameBuckets.length - 1));
    while (frame !== NO_FRAME) {
      const row = frame << FRAME_ROW_SHIFT;
      if (table[row + FRAME_PAGE] === page) {
        table[row + FRAME_USED] = 1;
        if (hints.hold) {
          hints.words[at] = page;
          hints.words[at + 1] = frame;
        }
        if (COSTLY_CHECKS) this.assertFound(frame, page, birth);
        return frame;
      }
      frame = table[row + FRAME_NEXT]!;
    }
    return this.loader.load(page, birth);
  }

  private assertFound(frame: number, page: number, birth: number): void {
    assert(this.pageOf(frame) === page, `page ${page} is in the frame that was found`);
    assert(this.birthOf(frame) === birth, `page ${page} in memory has the expected birth`);
  }

  findFrame(page: number): number {
    return findFrame(this.frameTable, this.frameBuckets, page);
  }

  pageOf(frame: number): number {
    const base = (frame & this.regionMask) << this.pageShift;
    return this.i32[frame >>> this.regionShift]![(base + PAGE_HEADER_NUMBER) >> 2]!;
  }

  birthOf(frame: number): number {
    const u8 = this.u8[frame >>> this.regionShift]!;
    const i32 = this.i32[frame >>> this.regionShift]!;
    const base = (frame & this.regionMask) << this.pageShift;
    const at = base + PAGE_HEADER_BIRTH_HIGH;
    const high = u8[at]! | (u8[at + 1]! << 8);
    return high * 0x100000000 + (i32[(base + PAGE_HEADER_BIRTH_LOW) >> 2]! >>> 0);
  }

  isDirty(frame: number): boolean {
    return this.frameTable[(frame << FRAME_ROW_SHIFT) + FRAME_STATE] === STATE_DIRTY;
  }

  /** View of a frame's bytes; for cold paths. */
  frameBytes(frame: number): Uint8Array {
    const base = (frame & this.regionMask) << this.pageShift;
    return this.u8[frame >>> this.regionShift]!.subarray(base, base + this.pageBytes);
  }

  // --- building ---------------------------------------------------------------------------------

  /**
   * Starts a diff, or a new savepoint level in it: pages allocated before become immutable. Every
   * token is new: a thread has 2^48, at a million builds a second enough for nine years.
   */
  newToken(): number {
    this.lastBuild++;
    const token = this.lastBuild * THREADS_MAX + this.thread;
    assert(token <= Number.MAX_SAFE_INTEGER, 'no token is given out twice');
    return token;
  }

  allocate(diff: Diff, kind: number, level: number): number {
    const frame = this.takeFrame(diff);
    const base = (frame & this.regionMask) << this.pageShift;
    const u8 = this.u8[frame >>> this.regionShift]!;
    u8[base + PAGE_HEADER_KIND] = kind;
    u8[base + PAGE_HEADER_LEVEL] = level;
    return frame;
  }

  copyForWrite(diff: Diff, frame: number): number {
    const page = this.pageOf(frame);
    const birth = this.birthOf(frame);
    if (diff.spilled.has(page) && this.ownAgain(diff, frame, page)) return frame;
    const copy = this.takeFrame(diff);
    const target = this.u8[copy >>> this.regionShift]!;
    const source = this.u8[frame >>> this.regionShift]!;
    const from = ((frame & this.regionMask) << this.pageShift) + PAGE_HEADER_KIND;
    const to = ((copy & this.regionMask) << this.pageShift) + PAGE_HEADER_KIND;
    const bytes = this.pageBytes - PAGE_HEADER_KIND;
    if (source === target) target.copyWithin(to, from, from + bytes);
    else target.set(source.subarray(from, from + bytes), to);
    diff.pushFreed(page, birth);
    return copy;
  }

  /**
   * A page of this diff that was spilled and read back: nothing durable refers to it, so it is
   * changed in place again and written once more later. Refused for a scratch frame.
   */
  private ownAgain(diff: Diff, frame: number, page: number): boolean {
    this.hints.end();
    lockPages(this.shared);
    const owned = this.findFrame(page) === frame;
    if (owned) ownFrame(this.shared, frame, diff.ownerLow, diff.ownerHigh);
    unlockPages(this.shared);
    if (owned) {
      diff.spilled.delete(page);
      diff.ownedAgain.push(page);
    }
    return owned;
  }

  isPrivate(diff: Diff, frame: number): boolean {
    const row = frame << FRAME_ROW_SHIFT;
    const table = this.frameTable;
    if (table[row + FRAME_OWNER] !== diff.ownerLow) return false;
    return table[row + FRAME_OWNER_HIGH] === diff.ownerHigh;
  }

  release(diff: Diff, page: number, birth: number): void {
    this.hints.end();
    diff.pushFreed(page, birth);
    const frame = this.findFrame(page);
    if (frame === NO_FRAME || !this.isPrivate(diff, frame)) return;
    lockPages(this.shared);
    retireFrame(this.shared, frame);
    unlockPages(this.shared);
  }

  writeThrough(diff: Diff, bytes: Uint8Array, kind: number, level: number): void {
    assert(this.canWriteThrough && this.file !== undefined, 'pages may be written early');
    const page = this.magazine.takePage();
    const birth = this.magazine.takeBirth();
    diff.pushAllocated(page);
    writePageBirth(bytes, birth);
    bytes[PAGE_HEADER_KIND] = kind;
    bytes[PAGE_HEADER_LEVEL] = level;
    sealPage(bytes, page);
    this.writeEarly((writer) => writer.add(page, bytes));
    diff.lastPage = page;
    diff.lastBirth = birth;
  }

  /**
   * Number and birth in place, linked, owned by the diff; kind, level and body are the caller's.
   */
  private takeFrame(diff: Diff): number {
    this.hints.end();
    const frame = this.magazine.takeFrame();
    const page = this.magazine.takePage();
    const birth = this.magazine.takeBirth();
    const base = (frame & this.regionMask) << this.pageShift;
    const i32 = this.i32[frame >>> this.regionShift]!;
    const u8 = this.u8[frame >>> this.regionShift]!;
    i32[(base + PAGE_HEADER_NUMBER) >> 2] = page;
    i32[(base + PAGE_HEADER_BIRTH_LOW) >> 2] = birth | 0;
    const high = Math.floor(birth / 0x100000000);
    u8[base + PAGE_HEADER_BIRTH_HIGH] = high & 0xff;
    u8[base + PAGE_HEADER_BIRTH_HIGH + 1] = high >>> 8;
    lockPages(this.shared);
    if (COSTLY_CHECKS) {
      assert(this.findFrame(page) === NO_FRAME, `no frame still holds the free page ${page}`);
    }
    ownFrame(this.shared, frame, diff.ownerLow, diff.ownerHigh);
    linkFrame(this.shared, frame, page);
    unlockPages(this.shared);
    diff.pushAllocated(page);
    return frame;
  }

  /** Value that bounds the births of every page allocated so far by any thread. */
  birthMark(): number {
    return loadWide(this.shared.pagesControl, PAGES_BIRTH);
  }

  /** Pages written early must be in the file before any other thread can miss them. */
  flushWriteThrough(): void {
    if (this.pageWriter !== undefined) this.writeEarly((writer) => writer.flush());
  }

  /** Nothing refers to these pages yet: who builds them fails, the database goes on. */
  private writeEarly(write: (writer: PageWriter) => void): void {
    assert(this.file !== undefined, 'a pager that writes has a file');
    this.pageWriter ??= new PageWriter(this.file, this.pageBytes, MIB);
    try {
      write(this.pageWriter);
    } catch (error) {
      throw earlyWriteError(this.path, error);
    }
  }

  /**
   * Undoes a diff back to `mark`: frames and numbers of the pages allocated since are free again.
   * Outside an operation. Private pages were never visible to another thread, so no epoch is due.
   */
  rollBack(diff: Diff, mark: DiffMark): void {
    this.hints.end();
    const numbers = diff.allocated.slice(mark.allocatedCount, diff.allocatedCount).sort();
    this.pageWriter?.forget(numbers);
    // Where nobody can take the lock any more, nobody will want frames and numbers either.
    if (tryLockPages(this.shared)) {
      for (let i = mark.allocatedCount; i < diff.allocatedCount; i++) {
        const frame = this.findFrame(diff.allocated[i]!);
        if (frame !== NO_FRAME) retireFrame(this.shared, frame);
      }
      if (numbers.length > 0) advanceEpoch(this.shared);
      recycleFrames(this.shared);
      // Numbers that do not fit on the shared stack stay unused until the database is reopened.
      pushFreePages(this.shared, numbers, numbers.length);
      unlockPages(this.shared);
    }
    diff.cutBack(mark, numbers);
  }

  // --- memory pressure --------------------------------------------------------------------------

  dirtyFrames(): number {
    return Atomics.load(this.shared.pagesControl, FRAMES_DIRTY);
  }

  frameCount(): number {
    return this.frames;
  }

  /**
   * Writes the diff's pages, or up to `pagesMax` of them, to their places in the file, so that
   * their frames can be evicted: nothing durable refers to them. Outside an operation; writers on
   * this diff must forget their cached positions first. When a write fails nothing has changed.
   */
  spill(diff: Diff, pagesMax = Infinity): void {
    assert(this.canWriteThrough, 'pages may be written early');
    this.hints.end();
    const candidates = diff.unspilled(pagesMax);
    const isDirty = (page: number): boolean => {
      const frame = this.findFrame(page);
      return frame !== NO_FRAME && this.isDirty(frame);
    };
    const dirty = Int32Array.from(candidates.filter(isDirty)).sort();
    try {
      this.writeEarly((writer) => {
        for (const page of dirty) writer.addCopy(page, this.frameBytes(this.findFrame(page)));
        writer.flush();
      });
    } catch (error) {
      // The frames go on changing: what the buffer still holds must not be written later.
      this.pageWriter?.forget(dirty);
      throw error;
    }
    for (const page of dirty) {
      if (this.isPrivate(diff, this.findFrame(page))) diff.spilled.add(page);
    }
    diff.dropUnspilled(candidates.length);
    markPagesClean(this.shared, dirty, dirty.length);
  }

  // --- for the apply worker ---------------------------------------------------------------------

  markClean(pages: Int32Array, count: number): void {
    markPagesClean(this.shared, pages, count);
  }

  /** Drops the cached frames of pages that no version reaches; returns the epoch tag. */
  retirePages(pages: Int32Array, count: number): number {
    return retirePages(this.shared, pages, count);
  }

  epochPassed(tag: number): boolean {
    return epochPassed(this.epochs, tag);
  }

  recycle(): void {
    lockPages(this.shared);
    recycleFrames(this.shared);
    unlockPages(this.shared);
  }

  freePagesWanted(): number {
    return FREE_PAGES_SHARED_MAX - Atomics.load(this.shared.pagesControl, PAGES_FREE_COUNT);
  }

  /** Offers retired page numbers (ascending) for allocation; returns how many were taken. */
  giveFreePages(pages: Int32Array, count: number): number {
    return giveFreePages(this.shared, pages, count);
  }
}

/**
 * What one transaction (or merge) did to the pages: allocated and freed ones, in growable typed
 * arrays. Private to the thread that builds it until it travels, by page numbers, in a
 * `PendingCommit`.
 *
 * Invariants
 * 1. No other diff of this run, dead or alive, has or had its token; a frame whose owner words are
 *    the token's may be changed in place.
 * 2. A page may stand in both lists (allocated, spilled, then superseded): who applies the diff
 *    takes the allocated ones first.
 * 3. An allocated page before `spillStart` whose frame is dirty stands in `ownedAgain`.
 */
import { FREED_WORDS } from '../layout/queue.js';
import { NO_OWNER, OWNER_HIGH_UNIT } from '../layout/pages.js';

const INITIAL_PAGES = 64;

/** Lengths of the lists and the token at a savepoint. */
export interface DiffMark {
  readonly allocatedCount: number;
  readonly freedCount: number;
}

export class Diff {
  /** Token: owner words of the frames that may be changed in place. */
  ownerLow = NO_OWNER;
  ownerHigh = NO_OWNER;
  /** Page numbers allocated. */
  allocated = new Int32Array(INITIAL_PAGES);
  allocatedCount = 0;
  /** FREED_WORDS words per page: number, birth low 32 bits, birth high bits. */
  freed = new Int32Array(INITIAL_PAGES * FREED_WORDS);
  freedCount = 0;
  /**
   * Pages of this diff that were written early and may be changed in place again once read back.
   */
  readonly spilled = new Set<number>();
  /** Index in `allocated` of the first page that was never spilled. */
  spillStart = 0;
  /** Pages before it that are changed in place again. */
  ownedAgain: number[] = [];
  /** Set by `Pager.writeThrough`. */
  lastPage = 0;
  lastBirth = 0;

  reset(token: number): void {
    this.#setToken(token);
    this.allocatedCount = 0;
    this.freedCount = 0;
    if (this.spilled.size > 0) this.spilled.clear();
    this.spillStart = 0;
    if (this.ownedAgain.length > 0) this.ownedAgain = [];
  }

  /** Pages that may be dirty in memory: what spilling can make clean. */
  get unspilledCount(): number {
    return this.allocatedCount - this.spillStart + this.ownedAgain.length;
  }

  /** Up to `countMax` of them. */
  unspilled(countMax: number): number[] {
    const again = this.ownedAgain.slice(0, countMax);
    const end = Math.min(this.allocatedCount, this.spillStart + countMax - again.length);
    return [...again, ...this.allocated.subarray(this.spillStart, end)];
  }

  /** The first `count` of them are in the file. */
  dropUnspilled(count: number): void {
    const again = Math.min(count, this.ownedAgain.length);
    if (again > 0) this.ownedAgain = this.ownedAgain.slice(again);
    this.spillStart += count - again;
  }

  /** Makes everything built so far immutable: the pages of a savepoint or of an iterator. */
  freeze(token: number): void {
    this.#setToken(token);
    this.spilled.clear();
  }

  #setToken(token: number): void {
    this.ownerLow = token % OWNER_HIGH_UNIT;
    this.ownerHigh = Math.floor(token / OWNER_HIGH_UNIT);
  }

  pushAllocated(page: number): void {
    if (this.allocatedCount === this.allocated.length) {
      const grown = new Int32Array(this.allocated.length * 2);
      grown.set(this.allocated);
      this.allocated = grown;
    }
    this.allocated[this.allocatedCount++] = page;
  }

  pushFreed(page: number, birth: number): void {
    const at = this.freedCount * FREED_WORDS;
    if (at === this.freed.length) {
      const grown = new Int32Array(this.freed.length * 2);
      grown.set(this.freed);
      this.freed = grown;
    }
    this.freed[at] = page;
    this.freed[at + 1] = birth | 0;
    this.freed[at + 2] = Math.floor(birth / 0x100000000);
    this.freedCount++;
  }

  mark(): DiffMark {
    return { allocatedCount: this.allocatedCount, freedCount: this.freedCount };
  }

  /** Back to `mark`; `gone` are the pages allocated since. */
  cutBack(mark: DiffMark, gone: Int32Array): void {
    this.allocatedCount = mark.allocatedCount;
    this.freedCount = mark.freedCount;
    this.spillStart = Math.min(this.spillStart, mark.allocatedCount);
    if (this.ownedAgain.length === 0) return;
    const pages = new Set(gone);
    this.ownedAgain = this.ownedAgain.filter((page) => !pages.has(page));
  }
}

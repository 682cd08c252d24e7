/**
 * The way of a superseded page to its reuse. Threads: apply worker 0.
 *
 *   fresh    until the version that superseded it is published (APPLIED)
 *   held     as long as a checkpoint or a snapshot reads a version with it
 *   aging    until every operation that began before it was let go is over
 *   retired  its cached frame is dropped, its number is free
 *
 * Invariants
 * 1. A frame is dropped only after the age: an operation that still walks an older root set finds
 *    every page of it in memory, also those that were never written to the file.
 * 2. Pins are looked at once more after the age: a pin on a published set is made inside the
 *    operation that read the set, so it is visible by then.
 * 3. Each page stands in exactly one list.
 */
import { BIRTH_LIMIT, NO_SEQUENCE, type Pager, type Shared } from '@manifold-db/storage';
import { FreePages } from './free-pages.js';
import { PageList } from './page-list.js';
import {
  HELD_BY_DURABLE,
  HELD_BY_NOBODY,
  HELD_BY_RUNNING,
  PinSet,
  type Version,
} from './pin-set.js';

/** Pages looked at in one step. */
const PAGES_PER_STEP = 8192;
const NO_PAGES = new Int32Array(0);

interface AgingBatch {
  readonly epochTag: number;
  /** Of the pins when the batch was let go. */
  readonly pinsEpoch: number;
  readonly pages: PageList;
}

export class Retirement {
  readonly pins: PinSet;
  readonly freePages: FreePages;
  /** Pages that came into the hands of snapshots since a checkpoint last wrote what they hold. */
  unrelievedCount = 0;
  readonly #pager: Pager;
  readonly #fresh = new PageList();
  readonly #held = new Map<number, PageList>();
  /** Lists whose holder is gone. */
  readonly #review: PageList[] = [];
  /** Those of snapshots closed while a checkpoint writes what snapshots hold; reviewed after it. */
  readonly #deferred: PageList[] = [];
  #defersReview = false;
  readonly #aging: AgingBatch[] = [];
  /** Pages that nobody holds, until the end of the step. */
  #letGo = new PageList();

  constructor(shared: Shared, pager: Pager, durable: Version) {
    this.#pager = pager;
    this.pins = new PinSet(shared, durable);
    this.freePages = new FreePages(pager);
  }

  freed(page: number, birth: number, supersededAt: number): void {
    this.#fresh.push(page, birth, supersededAt);
  }

  /** Pages that no reader ever reaches (catalog, free map), once no checkpoint needs them. */
  freedByCheckpoint(pages: Iterable<number>): void {
    const list = new PageList();
    for (const page of pages) list.push(page, BIRTH_LIMIT, NO_SEQUENCE);
    this.#review.push(list);
  }

  /**
   * From here on the running checkpoint reads `version`, and, if it `writesHeld`, also what
   * snapshots hold now.
   */
  checkpointBegins(version: Version, writesHeld: boolean): void {
    this.pins.running = { sequence: version.sequence, mark: version.mark };
    this.#defersReview = writesHeld;
    if (writesHeld) this.unrelievedCount = 0;
  }

  /** The running checkpoint is durable and takes the place of the one before. */
  checkpointEnds(version: Version): void {
    this.pins.durable = version;
    this.pins.running = undefined;
    const heldBefore = this.#held.get(HELD_BY_DURABLE);
    const heldNow = this.#held.get(HELD_BY_RUNNING);
    this.#held.delete(HELD_BY_RUNNING);
    this.#held.delete(HELD_BY_DURABLE);
    if (heldNow !== undefined) {
      // With B8 re-injected the durable checkpoint holds nothing, so these are free now.
      if (this.pins.isReuseEarly) this.#review.push(heldNow);
      else this.#held.set(HELD_BY_DURABLE, heldNow);
    }
    if (heldBefore !== undefined) this.#review.push(heldBefore);
    this.#defersReview = false;
    this.#review.push(...this.#deferred.splice(0));
  }

  heldBySnapshots(): number[] {
    const pages: number[] = [];
    for (const [holder, list] of this.#held) {
      if (holder === HELD_BY_DURABLE || holder === HELD_BY_RUNNING) continue;
      for (let i = 0; i < list.count; i++) pages.push(list.page(i));
    }
    return pages;
  }

  get heldBySnapshotsCount(): number {
    let count = 0;
    this.#held.forEach((list, holder) => {
      if (holder !== HELD_BY_DURABLE && holder !== HELD_BY_RUNNING) count += list.count;
    });
    return count;
  }

  /** Pages wait for operations of other threads to end; nobody rings when they do. */
  get isAging(): boolean {
    return this.#aging.length > 0;
  }

  /** `applied`: published, and staged by this worker. Returns whether anything moved. */
  step(applied: number): boolean {
    this.#refreshPins();
    let moved = this.#classifyFresh(applied);
    moved += this.#classifyReview(PAGES_PER_STEP - moved);
    if (this.#letGo.count > 0) this.#age();
    const retired = this.#retireAged();
    const refilled = this.freePages.refill();
    return moved > 0 || retired || refilled;
  }

  #refreshPins(): void {
    for (const row of this.pins.refresh()) {
      const list = this.#held.get(row);
      if (list === undefined) continue;
      this.#held.delete(row);
      if (this.#defersReview) this.#deferred.push(list);
      else this.#review.push(list);
    }
  }

  #classifyFresh(applied: number): number {
    const fresh = this.#fresh;
    const limit = Math.min(fresh.count, PAGES_PER_STEP);
    let count = 0;
    while (count < limit && fresh.supersededAt(count) <= applied) {
      this.#classify(fresh, count, this.#letGo);
      count++;
    }
    if (count > 0) fresh.drop(count);
    return count;
  }

  #classifyReview(limit: number): number {
    let count = 0;
    while (this.#review.length > 0 && count < limit) {
      const list = this.#review[this.#review.length - 1]!;
      const here = Math.min(list.count, limit - count);
      for (let i = 0; i < here; i++) this.#classify(list, i, this.#letGo);
      list.drop(here);
      count += here;
      if (list.count === 0) this.#review.pop();
    }
    return count;
  }

  /** To the list of whoever holds the page, or to `letGo`. */
  #classify(list: PageList, index: number, letGo: PageList): void {
    const birth = list.birth(index);
    const supersededAt = list.supersededAt(index);
    const holder = this.pins.holderOf(birth, supersededAt);
    let target = letGo;
    if (holder !== HELD_BY_NOBODY) {
      if (holder >= 0) this.unrelievedCount++;
      target = this.#held.get(holder) ?? new PageList();
      if (target.count === 0) this.#held.set(holder, target);
    }
    target.push(list.page(index), birth, supersededAt);
  }

  #age(): void {
    const pages = this.#letGo;
    this.#letGo = new PageList();
    // Retiring nothing only advances the epoch: operations that begin from now on read root sets
    // without these pages.
    const epochTag = this.#pager.retirePages(NO_PAGES, 0);
    this.#aging.push({ epochTag, pinsEpoch: this.pins.epoch, pages });
  }

  #retireAged(): boolean {
    let retired = false;
    while (this.#aging.length > 0) {
      const batch = this.#aging[0]!;
      if (!this.#pager.epochPassed(batch.epochTag)) break;
      this.#aging.shift();
      this.#refreshPins();
      let pages = batch.pages;
      if (batch.pinsEpoch !== this.pins.epoch) {
        const letGo = new PageList();
        for (let i = 0; i < pages.count; i++) this.#classify(pages, i, letGo);
        pages = letGo;
      }
      this.#retire(pages);
      retired = true;
    }
    if (retired) this.#pager.recycle();
    return retired;
  }

  #retire(pages: PageList): void {
    const numbers = new Int32Array(pages.count);
    for (let i = 0; i < numbers.length; i++) numbers[i] = pages.page(i);
    this.#pager.retirePages(numbers, numbers.length);
    for (const page of numbers) this.freePages.add(page);
  }
}

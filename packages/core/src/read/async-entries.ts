/**
 * The asynchronous face of a walk, for `for await`. Entries of a batch are handed out as resolved
 * promises; before each further batch the event loop gets a turn, so that no step blocks longer
 * than one batch takes. Batches are made of pages in memory; a page that is missing is read
 * asynchronously, and the batch goes on there.
 *
 * Invariant: steps happen one after another in the order of the calls, also when the next one is
 * asked for before the last has resolved.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadPagesAsync, type PageReference, type Pager } from '@manifold-db/storage';

/**
 * Times that pages are loaded for one batch. They are loaded for its first entry only, level by
 * level of a tree and an overflow value's index, and many at once behind an index page: more means
 * that a small cache lost them again, or a value of many megabytes. Then the step reads as a
 * synchronous one does.
 */
const LOADS_MAX = 64;

/** What a walk offers its asynchronous face. */
export interface SteppedWalk<T> {
  /** The next step needs no reading. */
  readonly hasBatch: boolean;
  /** Reads the next batch out of memory; gives the pages that have to be loaded for it first. */
  readAhead(): readonly PageReference[];
  /** Those pages still belong to what the walk shows. */
  keepsPages(): boolean;
  next(): IteratorResult<T, undefined>;
  return(): IteratorResult<T, undefined>;
}

export class AsyncEntries<T> implements AsyncIterableIterator<T, undefined> {
  readonly #walk: SteppedWalk<T>;
  readonly #pager: Pager;
  /** The last step that had to wait; the next ones queue behind it. */
  #pending: Promise<unknown> | undefined;
  #isFirst = true;

  constructor(walk: SteppedWalk<T>, pager: Pager) {
    this.#walk = walk;
    this.#pager = pager;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#pending !== undefined || !this.#walk.hasBatch) {
      return this.#queue(() => this.#readAndStep());
    }
    try {
      return Promise.resolve(this.#walk.next());
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    if (this.#pending !== undefined) return this.#queue(async () => this.#walk.return());
    return Promise.resolve(this.#walk.return());
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async #readAndStep(): Promise<IteratorResult<T, undefined>> {
    if (this.#isFirst) this.#isFirst = false;
    else if (!this.#walk.hasBatch) await nextTurn();
    try {
      await this.#load();
    } catch (error) {
      this.#walk.return();
      // A page could not be read because the database was closed: then this says so.
      this.#walk.next();
      throw error;
    }
    return this.#walk.next();
  }

  /** Makes the next batch, unless it takes more than can be loaded asynchronously. */
  async #load(): Promise<void> {
    const isKept = (): boolean => this.#walk.keepsPages();
    for (let loads = 0; loads < LOADS_MAX; loads++) {
      const missing = this.#walk.readAhead();
      if (missing.length === 0) return;
      if (!(await loadPagesAsync(this.#pager, missing, isKept))) return;
    }
  }

  #queue<R>(step: () => Promise<R>): Promise<R> {
    const result = this.#pending === undefined ? step() : this.#pending.then(step);
    const settled: Promise<void> = result.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    this.#pending = settled;
    return result;
  }

  #settle(settled: Promise<unknown>): void {
    if (this.#pending === settled) this.#pending = undefined;
  }
}

/**
 * The asynchronous face of a walk, for `for await`. Entries of a batch are handed out as resolved
 * promises; before each further batch the event loop gets a turn, so that no step blocks longer
 * than one batch takes.
 *
 * Invariant: steps happen one after another in the order of the calls, also when the next one is
 * asked for before the last has resolved.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What a walk offers its asynchronous face. */
export interface SteppedWalk<T> {
  readonly hasBatch: boolean;
  next(): IteratorResult<T, undefined>;
  return(): IteratorResult<T, undefined>;
}

export class AsyncEntries<T> implements AsyncIterableIterator<T, undefined> {
  readonly #walk: SteppedWalk<T>;
  /** The last step that had to wait; the next ones queue behind it. */
  #pending: Promise<unknown> | undefined;
  #started = false;

  constructor(walk: SteppedWalk<T>) {
    this.#walk = walk;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#pending !== undefined) return this.#queue(() => this.#waitAndStep());
    if (!this.#started || this.#walk.hasBatch) return this.#step();
    return this.#queue(() => this.#waitAndStep());
  }

  return(): Promise<IteratorResult<T, undefined>> {
    if (this.#pending !== undefined) return this.#queue(async () => this.#walk.return());
    return Promise.resolve(this.#walk.return());
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  #step(): Promise<IteratorResult<T, undefined>> {
    this.#started = true;
    try {
      return Promise.resolve(this.#walk.next());
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async #waitAndStep(): Promise<IteratorResult<T, undefined>> {
    if (!this.#walk.hasBatch) await nextTurn();
    return this.#walk.next();
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

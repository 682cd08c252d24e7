/** Working off a growing list of items, a bounded number at a time. Main thread. */

/**
 * Calls `work` for every item, at most `width` at a time; it may return further ones. On an error
 * no more are begun; the first error is thrown once nothing is under way any more. Takes from the
 * end of `items`.
 */
export function drain<T>(
  width: number,
  items: T[],
  work: (item: T) => Promise<readonly T[]>,
): Promise<void> {
  return new Drain(width, items, work).done;
}

class Drain<T> {
  readonly done: Promise<void>;
  readonly #width: number;
  readonly #items: T[];
  readonly #work: (item: T) => Promise<readonly T[]>;
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(width: number, items: T[], work: (item: T) => Promise<readonly T[]>) {
    this.#width = width;
    this.#items = items;
    this.#work = work;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#fill();
  }

  #fill(): void {
    while (this.#failure === undefined && this.#running < this.#width) {
      // The newest first: the parts of one tree before the next tree keep the list short.
      const item = this.#items.pop();
      if (item === undefined) break;
      this.#running++;
      void this.#one(item);
    }
    if (this.#running > 0) return;
    if (this.#failure === undefined) this.#resolve();
    else this.#reject(this.#failure.error);
  }

  async #one(item: T): Promise<void> {
    try {
      const more = await this.#work(item);
      for (const next of more) this.#items.push(next);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#running--;
    this.#fill();
  }
}

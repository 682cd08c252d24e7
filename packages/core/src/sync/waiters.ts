/**
 * CommitStage.WaitForSync, the waiting side: callers that wait until a watermark has reached their
 * sequence, in order of sequence. Main thread only; one instance per watermark.
 */
interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Array slots left behind by released waiters before the array is compacted. */
const COMPACT_AT = 1024;

export class WatermarkWaiters {
  #waiters: Waiter[] = [];
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#waiters.length;
  }

  /** Whether `release(reached)` would resolve anyone. */
  isDue(reached: number): boolean {
    return !this.isEmpty && this.#waiters[this.#first]!.sequence <= reached;
  }

  /** The highest sequence up to `limit` that somebody waits for; 0 when nobody does. */
  highestUpTo(limit: number): number {
    const waiters = this.#waiters;
    let low = this.#first;
    let high = waiters.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (waiters[middle]!.sequence <= limit) low = middle + 1;
      else high = middle;
    }
    return low === this.#first ? 0 : waiters[low - 1]!.sequence;
  }

  add(sequence: number, resolve: () => void, reject: (error: unknown) => void): void {
    const waiter = { sequence, resolve, reject };
    const waiters = this.#waiters;
    let at = waiters.length;
    // Commits wait in sequence order, so this loop does not run for them.
    while (at > this.#first && waiters[at - 1]!.sequence > sequence) at--;
    if (at === waiters.length) waiters.push(waiter);
    else waiters.splice(at, 0, waiter);
  }

  /** Resolves everyone who waits for `reached` or less. */
  release(reached: number): void {
    const waiters = this.#waiters;
    while (this.#first < waiters.length && waiters[this.#first]!.sequence <= reached) {
      waiters[this.#first++]!.resolve();
    }
    if (this.#first >= COMPACT_AT || this.isEmpty) {
      waiters.splice(0, this.#first);
      this.#first = 0;
    }
  }

  rejectAll(error: (sequence: number) => unknown): void {
    const waiters = this.#waiters.slice(this.#first);
    this.#waiters = [];
    this.#first = 0;
    for (const waiter of waiters) waiter.reject(error(waiter.sequence));
  }

  /** Takes one waiter out, for an aborted wait. */
  remove(resolve: () => void): void {
    const at = this.#waiters.findIndex(
      (waiter, i) => i >= this.#first && waiter.resolve === resolve,
    );
    if (at >= 0) this.#waiters.splice(at, 1);
  }
}

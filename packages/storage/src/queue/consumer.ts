/**
 * A reading end of the pending queue: apply worker w with its own cursor. Layout:
 * `layout/queue.ts`.
 *
 * Invariants
 * 1. Words at and behind the published cursor belong to the reader; the producer may overwrite the
 *    words before it. So the cursor is published only after everything was copied out.
 * 2. `next` returns entries in the order in which they were pushed, each to every reader once.
 */
import {
  ENTRY_WORDS,
  QUEUE_CURSORS,
  QUEUE_CURSOR_WORDS,
  QUEUE_HEAD,
  QUEUE_SKIP,
} from '../layout/queue.js';
import { assert } from '../assert.js';
import { THREAD_MAIN } from '../layout/bells.js';
import type { Shared } from '../shared.js';
import { REASON_SPACE, ringBell } from '../sync/bell.js';

/** Result of `next` when nothing new was published. */
export const NO_ENTRY = -1;

export class QueueConsumer {
  readonly #shared: Shared;
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #cursorWord: number;
  #position: number;

  constructor(shared: Shared, worker: number) {
    this.#shared = shared;
    this.#control = shared.queueControl;
    this.#words = shared.queueWords;
    this.#cursorWord = QUEUE_CURSORS + worker * QUEUE_CURSOR_WORDS;
    this.#position = this.#control[this.#cursorWord]!;
  }

  hasNext(): boolean {
    return this.#position !== Atomics.load(this.#control, QUEUE_HEAD);
  }

  /** Index in `shared.queueWords` of the next entry, or NO_ENTRY. Valid until `release`. */
  next(): number {
    // Loading the head makes every word before it visible (producer invariant 4).
    const head = Atomics.load(this.#control, QUEUE_HEAD);
    if (this.#position === head) return NO_ENTRY;
    const mask = this.#words.length - 1;
    let at = this.#position & mask;
    if (this.#words[at + ENTRY_WORDS] === QUEUE_SKIP) {
      this.#position = (this.#position + this.#words.length - at) | 0;
      at = 0;
    }
    const words = this.#words[at + ENTRY_WORDS]!;
    assert(words > 0 && words <= (head - this.#position) >>> 0, 'an entry lies before the head');
    this.#position = (this.#position + words) | 0;
    return at;
  }

  /** Everything that `next` returned was copied out: its words may be overwritten. */
  release(): void {
    if (this.#control[this.#cursorWord] === this.#position) return;
    Atomics.store(this.#control, this.#cursorWord, this.#position);
    ringBell(this.#shared.bells, THREAD_MAIN, REASON_SPACE);
  }
}

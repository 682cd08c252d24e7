/**
 * The producing end of the pending queue. Threads: the holder of the append lock. Layout:
 * `layout/queue.ts`.
 *
 * Invariants
 * 1. Entries are pushed in sequence order, each after its sequence was stored to APPENDED.
 * 2. head - slowest cursor <= QUEUE_WORDS: words that a reader still needs are never overwritten.
 * 3. Pushing never blocks: `push` takes in what fits and is called again when there is room. It
 *    always gets room in the end, because readers take entries in before their sequence is synced.
 * 4. The head is stored after the words of the entry, so whoever loads it sees them complete.
 */
import {
  ENTRY_ALLOCATED,
  ENTRY_FLAGS,
  ENTRY_FREED,
  ENTRY_HEADER_WORDS,
  ENTRY_KIND,
  ENTRY_MARK,
  ENTRY_MORE,
  ENTRY_PARTS,
  ENTRY_SEQUENCE,
  ENTRY_WORDS,
  FREED_WORDS,
  QUEUE_CURSORS,
  QUEUE_CURSOR_WORDS,
  QUEUE_ENTRIES,
  QUEUE_HEAD,
  QUEUE_POPPED,
  QUEUE_SKIP,
} from '../layout/queue.js';
import { THREAD_APPLY } from '../layout/bells.js';
import { PROGRESS_SYNCED } from '../layout/progress.js';
import type { Shared } from '../shared.js';
import { REASON_REQUEST, ringBell } from '../sync/bell.js';
import { loadWide, storeWideOwned } from '../sync/wide.js';
import { ENTRY_WORDS_MAX, PART_WORDS, type PendingEntry } from './pending-entry.js';

export class QueueProducer {
  readonly #shared: Shared;
  readonly #control: Int32Array;
  readonly #words: Int32Array;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#control = shared.queueControl;
    this.#words = shared.queueWords;
  }

  /** Admission: whether one more commit of about `words` words is welcome. */
  hasRoom(words: number): boolean {
    return (
      this.commitsInside() < this.#shared.sizes.pendingCommitsMax &&
      this.#freeWords() >= Math.min(words, ENTRY_WORDS_MAX) * 2
    );
  }

  /** Commits pushed and not yet applied. */
  commitsInside(): number {
    const control = this.#control;
    return (control[QUEUE_ENTRIES]! - Atomics.load(control, QUEUE_POPPED)) >>> 0;
  }

  /**
   * Pushes the entry, or what fits of it. Returns whether it is in the queue completely; if not,
   * the caller waits for REASON_SPACE and calls again. Calling once more for a complete entry
   * changes nothing.
   */
  push(entry: PendingEntry): boolean {
    if (entry.isPushed()) return true;
    let pushed = false;
    while (!entry.isPushed() && this.#pushFragment(entry)) pushed = true;
    const isComplete = entry.isPushed();
    if (isComplete) {
      const control = this.#control;
      Atomics.store(control, QUEUE_ENTRIES, (control[QUEUE_ENTRIES]! + 1) | 0);
    }
    if (pushed || !isComplete) this.#ringReaders(entry, isComplete);
    return isComplete;
  }

  /**
   * The sync of a sequence wakes the readers, so a push wakes them only when that sync is over, or
   * when they have to make room. The head was stored before SYNCED is loaded, and the fsync worker
   * stores SYNCED before it rings: one of the two wakes a reader that missed the entry.
   */
  #ringReaders(entry: PendingEntry, isComplete: boolean): void {
    const { bells, progress, sizes } = this.#shared;
    const isUrgent =
      !isComplete ||
      entry.fragmentsPushed > 1 ||
      this.#freeWords() < this.#words.length / 2 ||
      loadWide(progress, PROGRESS_SYNCED) >= entry.sequence;
    if (!isUrgent) return;
    for (let worker = 0; worker < sizes.applyWorkers; worker++) {
      ringBell(bells, THREAD_APPLY + worker, REASON_REQUEST);
    }
  }

  #freeWords(): number {
    const control = this.#control;
    const head = control[QUEUE_HEAD]!;
    let used = 0;
    for (let worker = 0; worker < this.#shared.sizes.applyWorkers; worker++) {
      const cursor = Atomics.load(control, QUEUE_CURSORS + worker * QUEUE_CURSOR_WORDS);
      used = Math.max(used, (head - cursor) >>> 0);
    }
    return this.#words.length - used;
  }

  #pushFragment(entry: PendingEntry): boolean {
    const queue = this.#words;
    const count = entry.nextWords();
    const head = this.#control[QUEUE_HEAD]!;
    const at = head & (queue.length - 1);
    const rest = queue.length - at;
    const skipped = rest < count ? rest : 0;
    if (this.#freeWords() < skipped + count) return false;
    if (skipped > 0) queue[at + ENTRY_WORDS] = QUEUE_SKIP;
    const used = this.#writeFragment(entry, skipped > 0 ? 0 : at, count);
    // Invariant 4.
    Atomics.store(this.#control, QUEUE_HEAD, (head + skipped + used) | 0);
    return true;
  }

  /** Writes the next fragment into at most `room` words and returns how many it took. */
  #writeFragment(entry: PendingEntry, base: number, room: number): number {
    const queue = this.#words;
    const parts = entry.partCount - entry.partsPushed;
    let at = base + ENTRY_HEADER_WORDS;
    const partsFrom = entry.partsPushed * PART_WORDS;
    queue.set(entry.parts.subarray(partsFrom, partsFrom + parts * PART_WORDS), at);
    at += parts * PART_WORDS;
    const end = base + room;
    const allocated = Math.min(entry.allocatedCount - entry.allocatedPushed, end - at);
    const allocatedFrom = entry.allocatedPushed;
    queue.set(entry.allocated.subarray(allocatedFrom, allocatedFrom + allocated), at);
    at += allocated;
    const freed = Math.min(
      entry.freedCount - entry.freedPushed,
      Math.floor((end - at) / FREED_WORDS),
    );
    const freedFrom = entry.freedPushed * FREED_WORDS;
    queue.set(entry.freed.subarray(freedFrom, freedFrom + freed * FREED_WORDS), at);
    at += freed * FREED_WORDS;

    entry.partsPushed = entry.partCount;
    entry.allocatedPushed += allocated;
    entry.freedPushed += freed;
    entry.fragmentsPushed++;
    queue[base + ENTRY_WORDS] = at - base;
    queue[base + ENTRY_KIND] = entry.kind;
    queue[base + ENTRY_FLAGS] = entry.isPushed() ? 0 : ENTRY_MORE;
    storeWideOwned(queue, base + ENTRY_SEQUENCE, entry.sequence);
    storeWideOwned(queue, base + ENTRY_MARK, entry.mark);
    queue[base + ENTRY_PARTS] = parts;
    queue[base + ENTRY_ALLOCATED] = allocated;
    queue[base + ENTRY_FREED] = freed;
    return at - base;
  }
}

/**
 * Starts positions and counters somewhere else than at 0: tests start them just below 2^31 and
 * 2^32. `position` is a multiple of the region's length or any word in it. Before any other thread.
 */
export function startQueueAt(shared: Shared, position: number, commits: number): void {
  const control = shared.queueControl;
  control[QUEUE_HEAD] = position | 0;
  control[QUEUE_ENTRIES] = commits | 0;
  control[QUEUE_POPPED] = commits | 0;
  for (let worker = 0; worker < shared.sizes.applyWorkers; worker++) {
    control[QUEUE_CURSORS + worker * QUEUE_CURSOR_WORDS] = position | 0;
  }
}

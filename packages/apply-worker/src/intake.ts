/**
 * Entries that were taken out of the pending queue and wait for their sequence to be synced. Copied
 * to private memory at once, whole commits or fragments, so that the queue never jams on a commit
 * larger than itself. Threads: each apply worker has its own; a worker keeps the roots of its own
 * families, worker 0 the page lists and what describes a sealed generation as well.
 *
 * Invariants
 * 1. Fragments of one commit follow one another; a commit is due only when its last fragment is
 *    there.
 * 2. For worker 0 a sealed generation is a group of its own, merged before what follows is due; for
 *    its peers it is a commit without parts.
 */
import {
  ENTRY_ALLOCATED,
  ENTRY_FLAGS,
  ENTRY_FREED,
  ENTRY_HEADER_WORDS,
  ENTRY_KIND,
  ENTRY_MORE,
  ENTRY_PARTS,
  ENTRY_SEQUENCE,
  ENTRY_WORDS,
  FREED_WORDS,
  NO_ENTRY,
  NO_SEQUENCE,
  PART_WORDS,
  PENDING_COMMIT,
  QueueConsumer,
  SEALED_BUFFER,
  assert,
  loadWideOwned,
  type Shared,
} from '@manifold-db/storage';

const INITIAL_WORDS = 4096;
/** A buffer that grew beyond this for a large commit is given back when it is empty. */
const KEPT_WORDS_MAX = 1 << 20;

export class Intake {
  /** Entries in the shape of `layout/queue.ts`, less the parts of other workers. */
  words = new Int32Array(INITIAL_WORDS);
  #start = 0;
  #end = 0;
  readonly #queue: Int32Array;
  readonly #consumer: QueueConsumer;
  readonly #worker: number;
  readonly #workers: number;

  constructor(shared: Shared, worker: number) {
    this.#queue = shared.queueWords;
    this.#consumer = new QueueConsumer(shared, worker);
    this.#worker = worker;
    this.#workers = shared.sizes.applyWorkers;
  }

  /** Takes in entries until about `wordsMax` words; returns whether there were any. */
  take(wordsMax: number): boolean {
    let taken = 0;
    while (taken < wordsMax) {
      const at = this.#consumer.next();
      if (at === NO_ENTRY) break;
      taken += this.#copy(at);
    }
    this.#consumer.release();
    return taken > 0;
  }

  /**
   * Sequence of the newest complete commit that is not above `sequenceMax`, looking at no more than
   * about `wordsMax` words (but at one commit at least); NO_SEQUENCE when there is none. Worker 0
   * does not look behind a sealed generation.
   */
  newestDue(sequenceMax: number, wordsMax: number): number {
    let due: number = NO_SEQUENCE;
    let at = this.#start;
    while (at < this.#end && (due === NO_SEQUENCE || at - this.#start < wordsMax)) {
      const sequence = loadWideOwned(this.words, at + ENTRY_SEQUENCE);
      if (sequence > sequenceMax || (this.#worker === 0 && this.#isSealed(at))) break;
      if ((this.words[at + ENTRY_FLAGS]! & ENTRY_MORE) === 0) due = sequence;
      at += this.words[at + ENTRY_WORDS]!;
    }
    return due;
  }

  /** Index in `words` of the oldest entry if it is not above `sequence`; NO_ENTRY otherwise. */
  first(sequence: number): number {
    if (this.#start === this.#end) return NO_ENTRY;
    const at = this.#start;
    return loadWideOwned(this.words, at + ENTRY_SEQUENCE) <= sequence ? at : NO_ENTRY;
  }

  /** As `first`, of an entry that is a sealed generation. */
  firstSealed(sequence: number): number {
    const at = this.first(sequence);
    return at !== NO_ENTRY && this.#isSealed(at) ? at : NO_ENTRY;
  }

  /** As `firstSealed`, of the entry behind the one at `at`. */
  sealedBehind(at: number, sequence: number): number {
    const next = at + this.words[at + ENTRY_WORDS]!;
    if (next >= this.#end || !this.#isSealed(next)) return NO_ENTRY;
    return loadWideOwned(this.words, next + ENTRY_SEQUENCE) <= sequence ? next : NO_ENTRY;
  }

  /** Drops the oldest entry. */
  drop(): void {
    this.#start += this.words[this.#start + ENTRY_WORDS]!;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.words.length > KEPT_WORDS_MAX) this.words = new Int32Array(INITIAL_WORDS);
  }

  #isSealed(at: number): boolean {
    return this.words[at + ENTRY_KIND] === SEALED_BUFFER;
  }

  #copy(from: number): number {
    const queue = this.#queue;
    const kind = queue[from + ENTRY_KIND];
    assert(kind === PENDING_COMMIT || kind === SEALED_BUFFER, 'the kind of an entry is known');
    const whole = queue[from + ENTRY_WORDS]!;
    this.#makeRoom(whole);
    const { words } = this;
    const start = this.#end;
    words.set(queue.subarray(from, from + ENTRY_HEADER_WORDS), start);
    let at = start + ENTRY_HEADER_WORDS;
    const parts = queue[from + ENTRY_PARTS]!;
    let kept = 0;
    let part = from + ENTRY_HEADER_WORDS;
    for (let i = 0; i < parts; i++, part += PART_WORDS) {
      if (queue[part]! % this.#workers !== this.#worker) continue;
      words.set(queue.subarray(part, part + PART_WORDS), at);
      at += PART_WORDS;
      kept++;
    }
    words[start + ENTRY_PARTS] = kept;
    if (this.#worker === 0) {
      const pages = queue[from + ENTRY_ALLOCATED]! + queue[from + ENTRY_FREED]! * FREED_WORDS;
      words.set(queue.subarray(part, part + pages), at);
      at += pages;
    } else {
      words[start + ENTRY_ALLOCATED] = 0;
      words[start + ENTRY_FREED] = 0;
    }
    words[start + ENTRY_WORDS] = at - start;
    this.#end = at;
    return whole;
  }

  #makeRoom(count: number): void {
    if (this.#end + count <= this.words.length) return;
    const used = this.#end - this.#start;
    // Moving pays only when it frees half of the buffer; otherwise every entry would move others.
    if (used + count <= this.words.length / 2) {
      this.words.copyWithin(0, this.#start, this.#end);
    } else {
      const grown = new Int32Array(Math.max((used + count) * 2, this.words.length));
      grown.set(this.words.subarray(this.#start, this.#end));
      this.words = grown;
    }
    this.#start = 0;
    this.#end = used;
  }
}

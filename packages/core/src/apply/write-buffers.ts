/**
 * The generations of the write buffer: which one takes commits, which ones are sealed and wait to
 * be merged, which ones are free. Main thread; apply worker 0 reads sealed generations.
 *
 * Invariants
 * 1. Commits go into the active generation in the order of their sequences; one commit never
 *    straddles two. A generation is sealed for all families at one sequence.
 * 2. A sealed generation is never written to. It is free again, and may be emptied, once the root
 *    sets that reads stand on contain all of it (`releaseUpTo`).
 * 3. What does not fit an empty generation does not come here: it becomes a page diff.
 */
import {
  MERGE_WHOLE,
  PROGRESS_MERGE_LEFT,
  PendingEntry,
  SEALED_STOPS,
  WIDE_WORDS,
  WriteBuffer,
  assert,
  type QueueProducer,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import type { Staging } from '../staging.js';

/**
 * A generation is sealed at the latest when it holds this share of the log's limit: until it is
 * merged and checkpointed, the log has to keep it.
 */
const LOG_SHARE_MAX = 1 / 8;

/** So much of the last free generation is given out no faster than the running merge goes on. */
const PACED_SHARE = 1 / 2;

/** What a commit needs of a generation. */
export interface BufferNeeds {
  readonly bytes: number;
  readonly operationCount: number;
  readonly clearCount: number;
  readonly familyCount: number;
}

const NO_BUFFERS: readonly WriteBuffer[] = [];

interface Generation {
  readonly index: number;
  readonly buffer: WriteBuffer;
}

export class WriteBuffers {
  /** Generations with commits in them, newest first; replaced as a whole when it changes. */
  list: readonly WriteBuffer[] = NO_BUFFERS;
  /** Since opening. */
  sealedTotal = 0;
  /** Commits that had to wait for a free generation. */
  stalls = 0;
  readonly #engine: Engine;
  readonly #producer: QueueProducer;
  readonly #generations: readonly Generation[];
  readonly #fillMax: number;
  readonly #bytes: number;
  #free: Generation[];
  /** Oldest first. */
  #sealed: Generation[] = [];
  #active: Generation | undefined;
  /** When the active generation got its first commit. */
  #activeSinceMs = 0;
  readonly #slotOf: (familyId: number) => number;

  constructor(engine: Engine, producer: QueueProducer) {
    this.#engine = engine;
    this.#producer = producer;
    const { sizes, writeBuffers } = engine.shared;
    this.#generations = writeBuffers.map((memory, index) => {
      return { index, buffer: new WriteBuffer(memory) };
    });
    this.#free = [...this.#generations].reverse();
    this.#bytes = sizes.writeBufferBytes;
    this.#fillMax = sizes.walBytesMax * LOG_SHARE_MAX;
    this.#slotOf = (familyId) => {
      const entry = engine.families.byId(familyId);
      assert(entry !== undefined, 'a logged family has an entry');
      return entry.slot;
    };
  }

  get sealedCount(): number {
    return this.#sealed.length;
  }

  get count(): number {
    return this.#generations.length;
  }

  /** Bytes in use, index included. */
  get fillBytes(): number {
    return this.list.reduce((sum, buffer) => sum + buffer.usedBytes, 0);
  }

  /** Nothing waits to be sealed. */
  get isActiveEmpty(): boolean {
    return this.#active === undefined || this.#active.buffer.isEmpty;
  }

  /** Sequence up to which everything is sealed or in the trees. */
  get sealedUpTo(): number {
    return this.isActiveEmpty ? this.#engine.lastCommitted : this.#active!.buffer.firstSequence - 1;
  }

  /** The last sequence of the sealed generation that `sequence` would have to be a stop of. */
  sealedAround(sequence: number): number | undefined {
    const around = this.#sealed.find(
      ({ buffer }) => buffer.firstSequence - 1 <= sequence && sequence < buffer.lastSequence,
    );
    return around?.buffer.lastSequence;
  }

  /** Whether a commit is too large for any generation. */
  isTooLarge({ bytes, operationCount, clearCount, familyCount }: BufferNeeds): boolean {
    return !WriteBuffer.fits(this.#bytes, bytes, operationCount, clearCount, familyCount);
  }

  /** The active generation has room for the commit. */
  hasRoom({ bytes, operationCount, clearCount, familyCount }: BufferNeeds): boolean {
    const buffer = this.#active?.buffer;
    if (buffer === undefined) return false;
    const isWithinShare = buffer.isEmpty || buffer.usedBytes + bytes <= this.#fillMax;
    return isWithinShare && buffer.hasRoom(bytes, operationCount, clearCount, familyCount);
  }

  /** Last sequence of the newest sealed generation with `behind` sealed ones behind it, or 0. */
  sealedEnd(behind: number): number {
    return this.#sealed.at(-1 - behind)?.buffer.lastSequence ?? 0;
  }

  /**
   * Nothing is free behind the active generation, and so little of that itself that the commit has
   * to wait for the running merge: room is given out as the merge makes it, instead of all of it
   * at once and then none until the merge is over.
   */
  mustPace({ bytes }: BufferNeeds): boolean {
    const buffer = this.#active?.buffer;
    if (this.#free.length > 0 || this.#sealed.length === 0 || buffer === undefined) return false;
    const left = Atomics.load(this.#engine.shared.progress, PROGRESS_MERGE_LEFT) / MERGE_WHOLE;
    const room = this.#bytes - buffer.usedBytes - bytes;
    return !buffer.isEmpty && room < this.#bytes * PACED_SHARE * left;
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  get canActivate(): boolean {
    return this.#active !== undefined || this.hasFree;
  }

  /** Makes a free generation the active one, if there is none; false when all are in use. */
  activate(): boolean {
    if (this.#active !== undefined) return true;
    const next = this.#free.pop();
    if (next === undefined) return false;
    next.buffer.reset();
    this.#active = next;
    return true;
  }

  /** The commit was appended with this sequence. */
  admit(staging: Staging, sequence: number): void {
    const { buffer } = this.#active!;
    const isFirst = buffer.isEmpty;
    buffer.add(staging.bytes, staging.words, 0, staging.length, sequence, this.#slotOf);
    if (!isFirst) return;
    this.#activeSinceMs = this.#engine.host.now();
    this.#refreshList();
  }

  /** How long ago the active generation got its first commit; 0 while it is empty. */
  activeAgeMs(): number {
    return this.isActiveEmpty ? 0 : this.#engine.host.now() - this.#activeSinceMs;
  }

  /**
   * Seals the active generation and hands it to the apply workers. `stopsIn` names the sequences
   * in [first - 1, last) that snapshots stand on. False when the queue has no room for now.
   */
  seal(stopsIn: (from: number, below: number) => readonly number[]): boolean {
    const active = this.#active;
    if (active === undefined || active.buffer.isEmpty) return true;
    const { buffer } = active;
    const stops = stopsIn(buffer.firstSequence - 1, buffer.lastSequence);
    const words = SEALED_STOPS + stops.length * WIDE_WORDS;
    if (!this.#producer.hasRoom(words)) return false;
    const entry = new PendingEntry();
    entry.resetSealed(buffer.lastSequence, active.index, stops);
    const isPushed = this.#producer.push(entry);
    assert(isPushed, 'there was room for the entry');
    this.#sealed.push(active);
    this.#active = undefined;
    this.sealedTotal++;
    return true;
  }

  /** Reads stand on root sets that contain everything up to `sequence`. */
  releaseUpTo(sequence: number): void {
    let isChanged = false;
    while (this.#sealed.length > 0 && this.#sealed[0]!.buffer.lastSequence <= sequence) {
      this.#free.push(this.#sealed.shift()!);
      isChanged = true;
    }
    if (isChanged) this.#refreshList();
  }

  #refreshList(): void {
    const list = this.#sealed.map(({ buffer }) => buffer).reverse();
    if (!this.isActiveEmpty) list.unshift(this.#active!.buffer);
    this.list = list;
  }
}

/**
 * CommitStage.ApplyChanges on the main thread: the commit becomes the newest admitted version, its
 * `PendingCommit` goes to the apply workers, and in the modes without a pipeline the root set is
 * published here. Main thread.
 *
 * Invariants
 * 1. Admitted rows are written, and the commit counts as the newest, only after its append.
 * 2. In mode `sequential` the published root sets never run ahead of `synced`; in `async-wal` they
 *    do, in memory only: the apply workers keep rows of their own, staged up to `synced`, for
 *    checkpoints.
 */
import {
  PART_WORDS,
  PROGRESS_APPLIED,
  PendingEntry,
  QueueProducer,
  ROOTS_ADMITTED,
  ROOT_WORDS,
  TRACE_APPLY_CHANGES,
  admittedRowAt,
  publishRootSet,
  storeWide,
  type TraceWriter,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import type { ApplyBacklog, BuiltChanges } from '../stage-contracts.js';
import { SyncedView } from './synced-view.js';

/** Words that an ordinary commit takes in the queue; larger ones travel in several entries. */
const ORDINARY_ENTRY_WORDS = 4096;
const NS_PER_MS = 1e6;
const IN_FLIGHT_LOOK = 256;

export class CommitApplier implements ApplyBacklog {
  readonly syncedView = new SyncedView();
  /** Nanoseconds of publishing on this thread. */
  applyNs = 0;
  readonly producer: QueueProducer;
  readonly #engine: Engine;
  readonly #entry = new PendingEntry();
  readonly #trace: TraceWriter | undefined;
  #isInline: boolean;
  #sequence = 0;
  #mark = 0;

  constructor(engine: Engine, trace: TraceWriter | undefined) {
    this.#engine = engine;
    this.#trace = trace;
    this.producer = new QueueProducer(engine.shared);
    this.#isInline = engine.mode === 'async-wal';
    engine.publishSynced = () => this.applySynced(engine.synced);
  }

  // --- admission --------------------------------------------------------------------------------

  get pendingCount(): number {
    return this.producer.commitsInside();
  }

  hasQueueRoom(): boolean {
    return this.producer.hasRoom(ORDINARY_ENTRY_WORDS);
  }

  get isBusy(): boolean {
    return this.#engine.mode === 'sequential' && this.needsSync;
  }

  // --- the way of one commit --------------------------------------------------------------------

  /** The commit was appended: it is the newest version from here on. */
  admit(changes: BuiltChanges, sequence: number): void {
    const { shared, pager } = this.#engine;
    this.#sequence = sequence;
    this.#mark = pager.birthMark();
    this.#entry.reset(sequence, this.#mark, changes.diff);
    for (let part = 0; part < changes.partCount; part++) {
      const at = part * PART_WORDS;
      const slot = changes.parts[at]!;
      const row = admittedRowAt(slot);
      for (let word = 0; word < ROOT_WORDS; word++) {
        shared.roots[row + word] = changes.parts[at + 1 + word]!;
      }
      this.#entry.addPart(slot, changes.parts, at + 1);
    }
    this.syncedView.add(sequence, changes.parts, changes.partCount);
    // Commits that nobody waits for bring no poll: fold them here, so that the list stays short.
    if (this.syncedView.length > IN_FLIGHT_LOOK) this.applySynced(this.#engine.synced);
  }

  /** Hands the commit to the apply workers; false when the queue is full for now. */
  push(): boolean {
    return this.producer.push(this.#entry);
  }

  /** Mode `async-wal`: published right after the append. */
  applyAppended(): void {
    if (this.#isInline) this.#publish();
  }

  /** Folds the synced view; in mode `sequential`, publishes the commit that was synced. */
  applySynced(synced: number): void {
    const oldest = this.syncedView.oldestInFlight;
    if (oldest === undefined || oldest > synced) return;
    if (this.#engine.mode === 'sequential') this.#publish();
    this.syncedView.advance(synced);
  }

  /** Mode `sequential`: a commit waits to be published here. */
  get needsSync(): boolean {
    return this.#engine.mode === 'sequential' && this.syncedView.oldestInFlight !== undefined;
  }

  isDue(synced: number): boolean {
    return this.needsSync && this.syncedView.oldestInFlight! <= synced;
  }

  /** Publishes the admitted rows, which stand at the newest commit. */
  #publish(): void {
    const { shared } = this.#engine;
    const started = performance.now();
    this.#trace?.begin(this.#sequence - 1);
    publishRootSet(shared, ROOTS_ADMITTED, this.#sequence, this.#mark);
    // The set before the watermark: whoever sees APPLIED finds the set.
    storeWide(shared.progress, PROGRESS_APPLIED, this.#sequence);
    this.#trace?.end(TRACE_APPLY_CHANGES, this.#sequence);
    this.applyNs += (performance.now() - started) * NS_PER_MS;
  }
}

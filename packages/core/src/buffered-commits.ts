/**
 * Mode `buffered` on the way of a commit: where its operations go after the build, and when
 * generations are sealed. Main thread.
 *
 * Invariants
 * 1. A commit is placed before it gets a sequence: once it is appended, its generation takes it.
 * 2. A commit that is too large for any generation becomes a page diff, built when everything
 *    before it is in the trees, so that order and atomicity stay those of the sequences.
 */
import type { CommitApplier } from './apply/applier.js';
import { MergeSchedule } from './apply/merge-schedule.js';
import { WriteBuffers, type BufferNeeds } from './apply/write-buffers.js';
import { BufferBuilder } from './build/buffer-builder.js';
import type { ViewSource } from './build/builder.js';
import type { PageDiffBuilder } from './build/page-builder.js';
import { BufferedVersions } from './buffered-versions.js';
import type { Engine } from './engine.js';
import type { Pins } from './pins.js';
import { rebuild } from './rebuild.js';
import type { HostTimer } from './supervise/host.js';
import type { WatermarkWaiters } from './sync/waiters.js';

/** Where a commit goes. */
export const Placed = {
  /** Nowhere yet: everything is full until the apply workers have caught up. */
  NOT_YET: 0,
  IN_BUFFER: 1,
  AS_DIFF: 2,
} as const;
export type Placed = (typeof Placed)[keyof typeof Placed];

/** A generation is sealed after this share of `checkpointIntervalMs`, full or not. */
const SEAL_AGE_SHARE = 1 / 2;

export class BufferedCommits {
  readonly builder: BufferBuilder;
  readonly versions: BufferedVersions;
  readonly buffers: WriteBuffers;
  readonly #engine: Engine;
  readonly #merges: MergeSchedule;
  readonly #pageBuilder: PageDiffBuilder;
  readonly #poll: () => void;
  readonly #newestTrees: ViewSource;
  readonly #sealAgeMs: number;
  /** A commit has its place in the active generation and waits to be appended. */
  #isPlaced = false;
  /** Everything up to here is to be sealed as soon as possible. */
  #sealWanted = 0;
  #timer: HostTimer | undefined;

  constructor(
    engine: Engine,
    pins: Pins,
    applier: CommitApplier,
    pageBuilder: PageDiffBuilder,
    poll: () => void,
  ) {
    const bytesMax = engine.options.walBytesMax / 2;
    this.#engine = engine;
    this.#pageBuilder = pageBuilder;
    this.#poll = poll;
    this.builder = new BufferBuilder(engine, engine.families, bytesMax);
    this.buffers = new WriteBuffers(engine, applier.producer);
    this.#merges = new MergeSchedule(engine, this.buffers);
    this.versions = new BufferedVersions(engine, pins, this.buffers);
    // Until now the newest version was what recovery left in the trees.
    this.#newestTrees = engine.newest;
    engine.newest = (entry, view) => this.versions.readNewest(entry, view);
    this.#sealAgeMs = engine.options.checkpointIntervalMs * SEAL_AGE_SHARE;
  }

  /** Finds a place for the commit in the builder. Throws what building it as a diff throws. */
  place(): Placed {
    this.#isPlaced = false;
    const placed = this.#place();
    this.#isPlaced = placed === Placed.IN_BUFFER;
    return placed;
  }

  #place(): Placed {
    const needs = this.#needs();
    const { buffers } = this;
    if (buffers.isTooLarge(needs)) return this.#placeAsDiff();
    if (buffers.hasRoom(needs)) {
      if (!buffers.mustPace(needs)) return Placed.IN_BUFFER;
      this.#merges.all();
      return Placed.NOT_YET;
    }
    if (this.#seal()) {
      if (!buffers.canActivate) this.versions.advance();
      if (buffers.activate()) return Placed.IN_BUFFER;
      buffers.stalls++;
    }
    this.#merges.all();
    return Placed.NOT_YET;
  }

  #needs(): BufferNeeds {
    const { staging, clearCount, familyCount } = this.builder;
    const { length: bytes, operationCount } = staging;
    return { bytes, operationCount, clearCount, familyCount };
  }

  #placeAsDiff(): Placed {
    const engine = this.#engine;
    const isSealed = this.#seal();
    this.#merges.all();
    if (!isSealed) return Placed.NOT_YET;
    this.versions.advance();
    if (this.versions.baseSequence < engine.lastCommitted) return Placed.NOT_YET;
    const builder = this.#pageBuilder;
    try {
      builder.start(this.#newestTrees);
      rebuild(this.builder.staging, engine.families, builder);
      builder.requireWhole();
      builder.changes.finish();
    } catch (error) {
      builder.abort();
      throw error;
    }
    return Placed.AS_DIFF;
  }

  /** The commit was appended and goes into the active generation. */
  admit(sequence: number): void {
    const { buffers } = this;
    const wasEmpty = buffers.isActiveEmpty;
    buffers.admit(this.builder.staging, sequence);
    this.builder.admit(sequence);
    this.#isPlaced = false;
    if (wasEmpty) this.#startTimer();
  }

  /** The commit was refused: it has no sequence, and needs no place any more. */
  withdraw(isDiff: boolean): void {
    this.#isPlaced = false;
    if (isDiff) this.#pageBuilder.abort();
  }

  /** The page diff of a commit was appended. */
  admittedDiff(): void {
    this.builder.abort();
    this.versions.standOnAdmitted();
  }

  /** Somebody cannot go on before something is merged. */
  relieve(): void {
    this.#merges.all();
  }

  // --- sealing ----------------------------------------------------------------------------------

  /**
   * Now, or once the queue has room; what is not committed yet when `catchUp` finds that it is, so
   * that a wait for a distant sequence does not keep nearer ones.
   */
  sealUpTo(sequence: number): void {
    const committed = Math.min(sequence, this.#engine.lastCommitted);
    this.#sealWanted = Math.max(this.#sealWanted, committed);
    this.#merges.upTo(committed);
    this.#sealWhatIsWanted();
  }

  #sealWhatIsWanted(): void {
    if (this.#sealWanted > this.buffers.sealedUpTo) this.#seal();
  }

  /**
   * False when the queue has no room for now, or when a commit that waits to be appended would be
   * left without a generation: then as soon as one is free.
   */
  #seal(): boolean {
    const { buffers } = this;
    if (this.#isPlaced && !buffers.hasFree) return false;
    if (!buffers.seal(this.versions.stopsIn)) return false;
    if (this.#isPlaced) buffers.activate();
    this.#merges.sealed();
    return true;
  }

  /** A generation that is never full must not keep its changes from the next checkpoint. */
  #startTimer(): void {
    if (this.#sealAgeMs === 0 || this.#timer !== undefined) return;
    this.#timer = this.#engine.host.startTimer(this.#sealAgeMs, () => {
      this.#timer = undefined;
      if (this.#engine.isClosing || this.buffers.isActiveEmpty) return;
      if (this.buffers.activeAgeMs() < this.#sealAgeMs) {
        this.#startTimer();
        return;
      }
      this.sealUpTo(this.#engine.lastCommitted);
      this.#poll();
    });
  }

  // --- what the apply workers have done ---------------------------------------------------------

  /** Takes the newest root set, and seals what could not be sealed before and is waited for. */
  catchUp(waiters: WatermarkWaiters): void {
    this.versions.advance();
    this.sealUpTo(waiters.highestUpTo(this.#engine.lastCommitted));
  }

  /** Generations are being merged, or wait for that, or a page diff waits to be published. */
  get awaitsApply(): boolean {
    return this.buffers.sealedCount > 0 || this.versions.awaitsPublish;
  }

  get isDue(): boolean {
    return this.versions.isBehind;
  }

  stop(): void {
    this.#timer?.stop();
    this.#merges.stop();
  }
}

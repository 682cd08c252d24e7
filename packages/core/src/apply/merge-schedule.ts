/**
 * When sealed generations of the write buffer are merged. Merging takes as much of a processor as
 * writing, and writers are waited for while merges are not; so a burst is taken in first, as far as
 * there are free generations, and merged when it is over. Main thread; apply worker 0 merges what
 * PROGRESS_MERGE_WANTED allows.
 *
 * Invariants
 * 1. Whoever waits for a merge, or for room that a merge makes, has called `upTo` before. Above all
 *    who blocks the thread: then no timer runs.
 * 2. A sealed generation is allowed after DELAY_MAX_MS at the latest, whatever else happens.
 */
import {
  PROGRESS_MERGE_WANTED,
  REASON_REQUEST,
  THREAD_APPLY,
  ringBell,
  storeWide,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import type { HostTimer } from '../supervise/host.js';
import type { WriteBuffers } from './write-buffers.js';

/** Nothing was committed for so long: the burst is over. */
const IDLE_MS = 20;
const DELAY_MAX_MS = 500;

export class MergeSchedule {
  readonly #engine: Engine;
  readonly #buffers: WriteBuffers;
  /**
   * So many sealed generations may wait: the other half of all is for what comes meanwhile, and at
   * `pendingCommitsMax` entries in the queue no commit would be admitted.
   */
  readonly #backlogMax: number;
  #wanted = 0;
  #timer: HostTimer | undefined;
  /** Since when generations are held back, and what was committed at the last look. */
  #timerSinceMs = 0;
  #lastCommitted = 0;

  constructor(engine: Engine, buffers: WriteBuffers) {
    this.#engine = engine;
    this.#buffers = buffers;
    const { pendingCommitsMax } = engine.options;
    this.#backlogMax = Math.min(Math.floor(buffers.count / 2), pendingCommitsMax) - 1;
  }

  /** A generation was sealed. */
  sealed(): void {
    this.upTo(this.#buffers.sealedEnd(this.#backlogMax));
    if (this.#timer !== undefined || !this.#isHoldingBack) return;
    this.#timerSinceMs = this.#engine.host.now();
    this.#lastCommitted = this.#engine.lastCommitted;
    this.#startTimer();
  }

  /** Everything up to the sequence is to be merged as soon as it is sealed. */
  upTo(sequence: number): void {
    if (sequence <= this.#wanted) return;
    this.#wanted = sequence;
    const { progress, bells } = this.#engine.shared;
    storeWide(progress, PROGRESS_MERGE_WANTED, sequence);
    ringBell(bells, THREAD_APPLY, REASON_REQUEST);
  }

  /** Everything that is sealed is to be merged. */
  all(): void {
    this.upTo(this.#buffers.sealedEnd(0));
  }

  get #isHoldingBack(): boolean {
    return this.#buffers.sealedEnd(0) > this.#wanted;
  }

  #startTimer(): void {
    this.#timer = this.#engine.host.startTimer(IDLE_MS, () => {
      this.#timer = undefined;
      if (this.#engine.isClosing || !this.#isHoldingBack) return;
      const { lastCommitted, host } = this.#engine;
      const isIdle = lastCommitted === this.#lastCommitted;
      this.#lastCommitted = lastCommitted;
      if (isIdle || host.now() - this.#timerSinceMs >= DELAY_MAX_MS) this.all();
      else this.#startTimer();
    });
  }

  stop(): void {
    this.#timer?.stop();
  }
}

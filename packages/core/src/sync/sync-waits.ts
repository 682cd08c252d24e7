/**
 * CommitStage.WaitForSync on the main thread: who waits for which watermark, and the promises that
 * are kept when the fsync worker publishes it. Main thread.
 */
import {
  PROGRESS_CHECKPOINT_DONE,
  REASON_APPLIED,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  REASON_WRITTEN,
  TEST_SWITCH_FAILURE_IS_DEFINITE,
  TEST_SWITCH_NONE_WAITS,
  isTestSwitchOn,
} from '@manifold-db/storage';
import type { Engine } from '../engine.js';
import type { Durability, WaitOptions } from '../types.js';
import { WatermarkWaiters } from './waiters.js';

/** A commit that waits to be acknowledged. */
export interface Acknowledgement {
  readonly durability: Durability;
  readonly resolve: (sequence: number, value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class SyncWaits {
  readonly written = new WatermarkWaiters();
  readonly synced = new WatermarkWaiters();
  readonly applied = new WatermarkWaiters();
  /** Waiters for checkpoints, by the number of their request. */
  readonly checkpoints = new WatermarkWaiters();
  readonly #engine: Engine;
  /** `none`, unless a test has put B15 back, where it waits like all others. */
  readonly #waitsForNothing: Durability | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    const doesNoneWait = isTestSwitchOn(engine.shared, TEST_SWITCH_NONE_WAITS);
    this.#waitsForNothing = doesNoneWait ? undefined : 'none';
  }

  /** The commit has its sequence: acknowledges it now or once it is as durable as asked for. */
  settle(commit: Acknowledgement, sequence: number, value: unknown): void {
    if (commit.durability === this.#waitsForNothing) {
      commit.resolve(sequence, value);
      return;
    }
    const waiters = commit.durability === 'async' ? this.written : this.synced;
    waiters.add(sequence, () => commit.resolve(sequence, value), commit.reject);
  }

  release(): void {
    const engine = this.#engine;
    if (!this.written.isEmpty) this.written.release(engine.written);
    if (!this.synced.isEmpty) this.synced.release(engine.synced);
    if (!this.applied.isEmpty) this.applied.release(engine.applied);
    if (!this.checkpoints.isEmpty) this.checkpoints.release(this.#checkpointsDone());
  }

  /** The bell reasons that may release someone. */
  interest(): number {
    let interest = 0;
    if (!this.written.isEmpty) interest |= REASON_WRITTEN;
    if (!this.synced.isEmpty) interest |= REASON_SYNCED;
    if (!this.applied.isEmpty) interest |= REASON_APPLIED;
    if (!this.checkpoints.isEmpty) interest |= REASON_REQUEST | REASON_SPACE | REASON_APPLIED;
    return interest;
  }

  isDue(): boolean {
    const engine = this.#engine;
    return (
      this.written.isDue(engine.written) ||
      this.synced.isDue(engine.synced) ||
      this.applied.isDue(engine.applied) ||
      this.checkpoints.isDue(this.#checkpointsDone())
    );
  }

  /** After a failure nobody is acknowledged any more. */
  fail(): void {
    const engine = this.#engine;
    // B14 re-injected: the caller is told that the commit is not there.
    const isDefinite = isTestSwitchOn(engine.shared, TEST_SWITCH_FAILURE_IS_DEFINITE);
    const error = (sequence: number): Error =>
      isDefinite ? engine.poisonedError() : engine.indeterminateError(sequence);
    this.written.rejectAll(error);
    this.synced.rejectAll(error);
    this.applied.rejectAll(() => engine.poisonedError());
    this.checkpoints.rejectAll(() => engine.poisonedError());
  }

  rejectAll(error: () => Error): void {
    for (const waiters of [this.written, this.synced, this.applied, this.checkpoints]) {
      waiters.rejectAll(error);
    }
  }

  /** A promise that keeps until the watermark reaches the sequence, or the signal aborts. */
  wait(waiters: WatermarkWaiters, sequence: number, options: WaitOptions | undefined) {
    return new Promise<void>((resolve, reject) => {
      const signal = options?.signal;
      signal?.throwIfAborted();
      const abort = () => {
        waiters.remove(done);
        reject(signal?.reason);
      };
      const letGo = () => signal?.removeEventListener('abort', abort);
      const done = () => {
        letGo();
        resolve();
      };
      const fail = (error: unknown) => {
        letGo();
        reject(error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      waiters.add(sequence, done, fail);
    });
  }

  #checkpointsDone(): number {
    return Atomics.load(this.#engine.shared.progress, PROGRESS_CHECKPOINT_DONE);
  }
}

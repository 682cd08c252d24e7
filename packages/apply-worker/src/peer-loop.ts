/**
 * Apply workers 1...: each brings its families (slot % workers) to the sequence of the group that
 * worker 0 opened. Touches no files.
 */
import {
  ENTRY_WORDS_MAX,
  FAILURE_NONE,
  PROGRESS_APPENDED,
  PROGRESS_FAILURE,
  PROGRESS_SHUTDOWN,
  QUEUE_TARGET,
  REASON_APPLIED,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  THREAD_APPLY,
  attachShared,
  loadWide,
  ringBell,
  storeWide,
  type ApplyInit,
  type Shared,
} from '@manifold-db/storage';
import type { StepResult } from './context.js';
import { drainUpTo } from './drain.js';
import { Intake } from './intake.js';
import { reachedWord } from './publish.js';

export class PeerLoop {
  readonly #shared: Shared;
  readonly #intake: Intake;
  readonly #reachedWord: number;
  readonly #drained = { commits: 0, mark: 0 };
  #reached: number;

  constructor(init: ApplyInit) {
    this.#shared = attachShared(init.buffers);
    this.#intake = new Intake(this.#shared, init.workerIndex);
    this.#reachedWord = reachedWord(init.workerIndex);
    this.#reached = loadWide(this.#shared.queueControl, this.#reachedWord);
  }

  step(): StepResult {
    const { progress, queueControl, bells } = this.#shared;
    const shutdown = Atomics.load(progress, PROGRESS_SHUTDOWN);
    const hasFailed = Atomics.load(progress, PROGRESS_FAILURE) !== FAILURE_NONE;
    if (hasFailed || shutdown === SHUTDOWN_NOW) return 'stopped';
    const target = loadWide(queueControl, QUEUE_TARGET);
    const worked = this.#intake.take(ENTRY_WORDS_MAX);
    if (target > this.#reached && this.#intake.newestDue(target, Infinity) === target) {
      drainUpTo(this.#shared, this.#intake, target, undefined, this.#drained);
      this.#reached = target;
      // After the rows, which it publishes to worker 0.
      storeWide(queueControl, this.#reachedWord, target);
      ringBell(bells, THREAD_APPLY, REASON_APPLIED);
      return 'worked';
    }
    if (worked) return 'worked';
    const isDone = this.#reached === loadWide(progress, PROGRESS_APPENDED);
    return shutdown === SHUTDOWN_DRAIN && isDone ? 'stopped' : 'idle';
  }

  /** A peer has nothing to do unless it is rung. */
  sleepMs(): number {
    return Infinity;
  }
}

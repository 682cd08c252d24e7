/**
 * A worker thread as the scheduler sees it: its loop together with how the worker's `main` goes to
 * sleep, one scheduled step at a time. A thread that sleeps runs again only when its bell is rung
 * for a reason it declared, or its own time-out is over: a ring that is forgotten shows as a
 * thread that nobody wakes.
 *
 * Invariant: the steps follow `main.ts` of the worker, in its order: idle, declare interest, look
 * again, sleep.
 */
import type { createApplyLoop } from '@manifold-db/apply-worker';
import type { createWalLoop } from '@manifold-db/wal-worker';
import {
  REASON_APPENDED,
  REASON_APPLIED,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  THREAD_APPLY,
  THREAD_WAL,
  cancelSleep,
  prepareToSleep,
  type Shared,
} from '@manifold-db/storage';

export type Outcome = 'worked' | 'idle' | 'stopped';

type WalLoop = ReturnType<typeof createWalLoop>;
type ApplyLoop = ReturnType<typeof createApplyLoop>;

export abstract class SimulatedThread {
  readonly thread: number;
  protected readonly bells: Int32Array;
  isStopped = false;
  isAsleep = false;
  /** On the virtual clock; a sleeper wakes then at the latest. */
  wakeAtMs = Infinity;
  #hasDeclared = false;

  constructor(shared: Shared, thread: number) {
    this.bells = shared.bells;
    this.thread = thread;
  }

  protected abstract readonly interest: number;
  protected abstract step(): Outcome;
  /** After the interest is declared; false puts the thread to sleep. */
  protected abstract looksAgain(): Outcome;
  protected abstract sleepMs(): number;

  /** The bell was rung for a declared reason. */
  rung(): void {
    if (this.isAsleep) this.wakeAtMs = 0;
  }

  canRun(nowMs: number): boolean {
    return !this.isStopped && (!this.isAsleep || this.wakeAtMs <= nowMs);
  }

  run(nowMs: number): Outcome {
    if (this.isAsleep) {
      this.isAsleep = false;
      cancelSleep(this.bells, this.thread);
      return 'worked';
    }
    const outcome = this.#hasDeclared ? this.#look(nowMs) : this.step();
    if (outcome === 'stopped') this.isStopped = true;
    if (outcome === 'idle' && !this.isAsleep) {
      prepareToSleep(this.bells, this.thread, this.interest);
      this.#hasDeclared = true;
    }
    return outcome;
  }

  #look(nowMs: number): Outcome {
    this.#hasDeclared = false;
    const outcome = this.looksAgain();
    if (outcome === 'idle') {
      this.isAsleep = true;
      this.wakeAtMs = nowMs + this.sleepMs();
    } else {
      cancelSleep(this.bells, this.thread);
    }
    return outcome;
  }
}

export class SimulatedWalThread extends SimulatedThread {
  protected override readonly interest = REASON_APPENDED | REASON_REQUEST;
  readonly #loop: WalLoop;

  constructor(shared: Shared, loop: WalLoop) {
    super(shared, THREAD_WAL);
    this.#loop = loop;
  }

  protected override step(): Outcome {
    const outcome = this.#loop.step();
    if (outcome === 'idle') this.#loop.ringApplyWorkers();
    return outcome;
  }

  protected override looksAgain(): Outcome {
    return this.#loop.hasWork() ? 'worked' : 'idle';
  }

  protected override sleepMs(): number {
    return Infinity;
  }
}

export class SimulatedApplyThread extends SimulatedThread {
  protected override readonly interest =
    REASON_SYNCED | REASON_APPLIED | REASON_SPACE | REASON_REQUEST;
  readonly #loop: ApplyLoop;

  constructor(shared: Shared, loop: ApplyLoop, workerIndex: number) {
    super(shared, THREAD_APPLY + workerIndex);
    this.#loop = loop;
  }

  protected override step(): Outcome {
    return this.#loop.step();
  }

  protected override looksAgain(): Outcome {
    return this.#loop.step();
  }

  protected override sleepMs(): number {
    return this.#loop.sleepMs();
  }
}

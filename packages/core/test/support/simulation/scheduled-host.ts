/**
 * The host of a simulated run: fsync worker, apply workers and the main thread's event loop in one
 * thread, in an order that a seed decides, on a virtual clock. One step is one `step()` of a loop,
 * one look before sleep, one callback of the event loop, or one call of the program (which the
 * caller makes). Some threads are slower than others, and any may be held up for a while.
 *
 * Nobody is woken by chance: threads sleep on their bells as in production, time passes by itself
 * only when nobody can run. When nobody will ever run again, somebody hangs.
 */
import { createApplyLoop } from '@manifold-db/apply-worker';
import type { Host, HostTimer } from '@manifold-db/core/internal';
import {
  BELL_WORDS,
  PROGRESS_SHUTDOWN,
  PROGRESS_TEST_SWITCH,
  SHUTDOWN_NOW,
  THREAD_MAIN,
  blockUntil,
  prepareToWaitAsync,
  ringsOf,
  type ApplyInit,
  type Shared,
  type Vfs,
  type WalInit,
} from '@manifold-db/storage';
import { createWalLoop } from '@manifold-db/wal-worker';
import type { OperationHash } from './operation-hash.js';
import type { Pace } from './plan.js';
import { SimulatedApplyThread, SimulatedWalThread, type SimulatedThread } from './threads.js';

/** Who may be picked beside the worker threads, which have the numbers from 0 on. */
export const Actor = { NOBODY: -1, WAKE: 20, TURN: 21, TIMER: 22, CALL: 23 } as const;
const ACTORS = 24;

/** A run of a thousand steps takes far fewer; more means that they turn in a circle. */
const STEPS_MAX = 60_000;
const OUTCOMES = { worked: 1, idle: 2, stopped: 3 } as const;

/** Somebody waits, and nobody will ever run. */
export class HangError extends Error {}

let running: ScheduledHost | undefined;
const { notify } = Atomics;

/** A thread that is asleep wakes only by a notify; the bells of the running host tell which. */
function notifyScheduled(words: Int32Array | BigInt64Array, index: number, most?: number): number {
  running?.notified(words.buffer, Math.floor(index / BELL_WORDS));
  return notify(words as Int32Array, index, most);
}

// Once for the whole process: to change it back and forth would throw away all optimised code.
Atomics.notify = notifyScheduled;

interface Timer extends HostTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

export class ScheduledHost implements Host {
  readonly #vfs: Vfs;
  readonly #random: () => number;
  readonly #hash: OperationHash;
  readonly #pace: Pace;
  /** Re-injected bugs, switched on when the threads start. */
  readonly #bugs: number;
  readonly #threads: SimulatedThread[] = [];
  readonly #heldUpUntil = new Int32Array(ACTORS);
  readonly #timers = new Set<Timer>();
  #turn: (() => void)[] = [];
  #clockMs = 0;
  #interest = 0;
  #wake: () => void = () => {};
  #isWaiting = false;
  #isRung = false;
  /** A call of the program blocks: only worker threads run. */
  #isBlocked = false;
  #isBlockedRung = false;
  #onStopped: (() => void) | undefined;
  shared: Shared | undefined;
  steps = 0;

  constructor(parts: {
    vfs: Vfs;
    random: () => number;
    hash: OperationHash;
    pace: Pace;
    bugs: number;
  }) {
    this.#vfs = parts.vfs;
    this.#random = parts.random;
    this.#hash = parts.hash;
    this.#pace = parts.pace;
    this.#bugs = parts.bugs;
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- one host runs at a time
    running = this;
  }

  /** The run is over. */
  retire(): void {
    running = undefined;
  }

  // --- Host -------------------------------------------------------------------------------------

  start(shared: Shared, wal: WalInit, apply: readonly ApplyInit[]): Promise<void> {
    this.shared = shared;
    Atomics.store(shared.progress, PROGRESS_TEST_SWITCH, this.#bugs);
    const environment = { nowMs: () => this.#clockMs };
    const clock = { wallClockMs: () => Math.floor(this.#clockMs) };
    const threads = this.#threads;
    try {
      threads.push(new SimulatedWalThread(shared, createWalLoop(wal, this.#vfs, clock)));
      for (const [i, init] of apply.entries()) {
        const loop = createApplyLoop(init, this.#vfs, environment);
        threads.push(new SimulatedApplyThread(shared, loop, i));
      }
    } catch (error) {
      // As when a worker dies before it is ready: the others stop.
      Atomics.store(shared.progress, PROGRESS_SHUTDOWN, SHUTDOWN_NOW);
      for (const thread of threads) while (!thread.isStopped) thread.run(this.#clockMs);
      return Promise.reject(error as Error);
    }
    return Promise.resolve();
  }

  waitUntil(condition: () => boolean, interest: number, lookMs = Infinity): void {
    const { bells } = this.shared!;
    blockUntil(bells, THREAD_MAIN, interest, condition, (rings) => {
      if (ringsOf(bells, THREAD_MAIN) !== rings) return;
      this.#isBlocked = true;
      this.#isBlockedRung = false;
      const untilMs = this.#clockMs + lookMs;
      while (!this.#isBlockedRung && this.#clockMs < untilMs) this.#stepOthers(untilMs);
      this.#isBlocked = false;
    });
  }

  watch(interest: number, isDue: () => boolean, wake: () => void): void {
    this.#interest = interest;
    this.#wake = wake;
    if (this.shared === undefined) return;
    prepareToWaitAsync(this.shared.bells, THREAD_MAIN, interest);
    if (interest === 0) return;
    if (isDue()) this.#isRung = true;
    else this.#isWaiting = true;
  }

  now(): number {
    return (this.#clockMs += this.#pace.mainLookMs);
  }

  startTimer(delayMs: number, callback: () => void): HostTimer {
    const timer: Timer = {
      dueMs: this.#clockMs + delayMs,
      callback,
      stop: () => this.#timers.delete(timer),
    };
    this.#timers.add(timer);
    return timer;
  }

  nextTurn(callback: () => void): void {
    this.#turn.push(callback);
  }

  stopped(): Promise<void> {
    if (this.hasStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onStopped = resolve;
    });
  }

  // --- the scheduler ----------------------------------------------------------------------------

  get hasStopped(): boolean {
    return this.#threads.every((thread) => thread.isStopped);
  }

  /** Who sleeps and who has stopped, for the message of a hang. */
  describe(): string {
    const threads = this.#threads.map((thread) => {
      if (thread.isStopped) return `${thread.thread} has stopped`;
      return `${thread.thread} ${thread.isAsleep ? `sleeps until ${thread.wakeAtMs}` : 'runs'}`;
    });
    return `at ${this.#clockMs} threads ${threads.join(', ')}; main waits for ${this.#interest}`;
  }

  notified(memory: ArrayBufferLike, thread: number): void {
    if (memory !== this.shared?.bells.buffer) return;
    if (thread !== THREAD_MAIN) {
      this.#threads.find((one) => one.thread === thread)?.rung();
      return;
    }
    this.#isBlockedRung = true;
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#isRung = true;
  }

  /**
   * Who runs next. Time goes on; when nobody can run it jumps to where somebody can. NOBODY: there
   * is no such time. With `mayCall`, the program may make its next call.
   */
  pick(mayCall: boolean): number {
    if (this.steps++ > STEPS_MAX) throw new HangError(`no end after ${STEPS_MAX} steps`);
    this.#clockMs += this.#random() * this.#pace.stepMs;
    let actor = this.#draw(mayCall, true);
    // Everybody who could run is held up.
    if (actor === Actor.NOBODY) actor = this.#draw(mayCall, false);
    if (actor !== Actor.NOBODY) return actor;
    const nextMs = this.#nextMs();
    if (nextMs === Infinity) return Actor.NOBODY;
    this.#clockMs = Math.max(this.#clockMs, nextMs);
    return this.#draw(mayCall, false);
  }

  run(actor: number): void {
    this.#hash.number(actor);
    if (actor === Actor.WAKE) {
      this.#isRung = false;
      if (this.#interest !== 0) this.#wake();
    } else if (actor === Actor.TURN) {
      const callbacks = this.#turn;
      this.#turn = [];
      for (const callback of callbacks) callback();
    } else if (actor === Actor.TIMER) {
      const timer = this.#dueTimer()!;
      this.#timers.delete(timer);
      timer.callback();
    } else {
      this.#runThread(actor);
    }
  }

  #runThread(actor: number): void {
    const thread = this.#threads[actor]!;
    this.#hash.number(OUTCOMES[thread.run(this.#clockMs)]);
    const { heldUpShare, heldUpSteps } = this.#pace;
    if (this.#random() < heldUpShare) {
      this.#heldUpUntil[actor] = this.steps + Math.ceil(this.#random() * heldUpSteps);
    }
    if (this.#onStopped !== undefined && this.hasStopped) {
      this.#onStopped();
      this.#onStopped = undefined;
    }
  }

  /** The main thread blocks: the others go on. */
  #stepOthers(untilMs: number): void {
    const actor = this.pick(false);
    if (actor !== Actor.NOBODY) this.run(actor);
    else if (untilMs === Infinity) throw new HangError('a call blocks, and nobody moves any more');
    else this.#clockMs = untilMs;
  }

  #canRun(actor: number, mayCall: boolean): boolean {
    if (actor < this.#threads.length) return this.#threads[actor]!.canRun(this.#clockMs);
    if (this.#isBlocked) return false;
    if (actor === Actor.CALL) return mayCall;
    if (actor === Actor.WAKE) return this.#isRung;
    if (actor === Actor.TURN) return this.#turn.length > 0;
    return actor === Actor.TIMER && this.#dueTimer() !== undefined;
  }

  #draw(mayCall: boolean, mindsHoldUps: boolean): number {
    const { weights } = this.#pace;
    let total = 0;
    let picked: number = Actor.NOBODY;
    for (let actor = 0; actor < ACTORS; actor++) {
      if (actor === this.#threads.length && actor < Actor.WAKE) actor = Actor.WAKE;
      if (mindsHoldUps && this.#heldUpUntil[actor]! > this.steps) continue;
      if (!this.#canRun(actor, mayCall)) continue;
      const weight = weights[actor]!;
      total += weight;
      // One pass: each candidate replaces the one before with its share of the weight so far.
      if (this.#random() * total < weight) picked = actor;
    }
    return picked;
  }

  #dueTimer(): Timer | undefined {
    for (const timer of this.#timers) if (timer.dueMs <= this.#clockMs) return timer;
    return undefined;
  }

  #nextMs(): number {
    let nextMs = Infinity;
    for (const thread of this.#threads) {
      if (!thread.isStopped && thread.isAsleep) nextMs = Math.min(nextMs, thread.wakeAtMs);
    }
    if (this.#isBlocked) return nextMs;
    for (const timer of this.#timers) nextMs = Math.min(nextMs, timer.dueMs);
    return nextMs;
  }
}

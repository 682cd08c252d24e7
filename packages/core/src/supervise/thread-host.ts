/**
 * Runs the fsync worker and the apply workers as `Worker` threads. Main thread.
 *
 * Invariants
 * 1. Nothing waits with `Atomics.wait` before every worker has reported ready: a worker needs the
 *    main thread's event loop to start.
 * 2. A worker that errs or exits while the database runs, or is ended while it drains, poisons it.
 * 3. A worker closes its files when it stops by itself, and only then: ending it leaks them.
 * 4. `Atomics.waitAsync` does not keep Node alive; the timer does, while anyone waits.
 */
import { Worker } from 'node:worker_threads';
import {
  FAILURE_WORKER,
  ManifoldError,
  PROGRESS_READY,
  PROGRESS_SHUTDOWN,
  REASON_ANY,
  REASON_REQUEST,
  RUNNING,
  SHUTDOWN_DRAIN,
  SHUTDOWN_NOW,
  SpinPolicy,
  THREAD_APPLY,
  THREAD_MAIN,
  THREAD_WAL,
  blockUntil,
  failureText,
  poisonIfWorkerGone,
  prepareToWaitAsync,
  ringAllBells,
  ringBell,
  setFailure,
  sleepOnBell,
  threadName,
  waitOnBellAsync,
  type ApplyInit,
  type Shared,
  type WalInit,
} from '@manifold-db/storage';
import type { Host, HostTimer } from './host.js';
import { applyWorkerUrl, walWorkerUrl } from './worker-urls.js';

/** Longer than any process lives; the timer exists only to be ref'd. */
const KEEP_ALIVE_MS = 0x7fffffff;
/** A blocked main thread looks up this often, in case a worker died without ringing. */
const BLOCKED_LOOK_MS = 1000;
/** A worker that dies meanwhile rings no bell, and its events wait for the event loop. */
const WORKERS_LOOK_MS = 1000;
/** A sync of a good disk is over by then: a call that blocks anyway waits for it awake. */
const BLOCKING_SPIN_MS = 1;
/** The same for a promise: so long the event loop turns instead of sleeping. */
const TURNING_SPIN_MS = 1;

/** So long the workers of a start that failed may take to stop; one that runs needs a moment. */
const STOP_MS_MAX = 2000;

export class ThreadHost implements Host {
  #shared: Shared | undefined;
  #workers: Worker[] = [];
  #exits: Promise<void>[] = [];
  #keepAlive: NodeJS.Timeout | undefined;
  #interest = 0;
  #isDue: () => boolean = () => false;
  #wake: () => void = () => {};
  #isWaiting = false;
  #isScheduled = false;
  readonly #blockingSpin = new SpinPolicy(BLOCKING_SPIN_MS);
  readonly #turningSpin = new SpinPolicy(TURNING_SPIN_MS);
  #isTurning = false;
  #turnUntilMs = 0;
  #lookedAtWorkersMs = 0;

  async start(shared: Shared, wal: WalInit, apply: readonly ApplyInit[]): Promise<void> {
    this.#shared = shared;
    try {
      const troubles = [this.#spawn(walWorkerUrl(), wal, threadName(THREAD_WAL))];
      for (const init of apply) {
        const name = threadName(THREAD_APPLY + init.workerIndex);
        troubles.push(this.#spawn(applyWorkerUrl(), init, name));
      }
      await Promise.race([this.#allReady(troubles.length), ...troubles]);
    } catch (error) {
      await this.#giveUpStart();
      throw error;
    }
    for (const worker of this.#workers) worker.unref();
  }

  /** Ends what was started: by asking (invariant 3), then by force. */
  async #giveUpStart(): Promise<void> {
    const { bells, progress } = this.#shared!;
    Atomics.store(progress, PROGRESS_SHUTDOWN, SHUTDOWN_NOW);
    ringAllBells(bells, REASON_ANY);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_MS_MAX);
    });
    await Promise.race([Promise.all(this.#exits), patience]);
    clearTimeout(timer);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /**
   * Every worker counts itself ready in shared memory; the event loop goes on meanwhile. Also over
   * when the start is given up, or the wait would keep the shared memory.
   */
  async #allReady(count: number): Promise<void> {
    const { bells, progress } = this.#shared!;
    for (;;) {
      const rings = prepareToWaitAsync(bells, THREAD_MAIN, REASON_REQUEST);
      if (Atomics.load(progress, PROGRESS_READY) === count) break;
      if (Atomics.load(progress, PROGRESS_SHUTDOWN) !== RUNNING) break;
      await waitOnBellAsync(bells, THREAD_MAIN, rings);
    }
    prepareToWaitAsync(bells, THREAD_MAIN, 0);
  }

  /** Starts a worker; the promise only ever rejects, when the worker fails before it is ready. */
  #spawn(url: URL, workerData: unknown, name: string): Promise<never> {
    const shared = this.#shared!;
    // Descriptors a worker opened stay open when it dies: the operating system closes them with
    // the process, and nothing else may be opened under their numbers meanwhile.
    // No options of the program's own command line: `--input-type` or a loader is not for us.
    const options = { workerData, name, trackUnmanagedFds: false, execArgv: [] };
    const worker = new Worker(url, options);
    this.#workers.push(worker);
    let cause: unknown;
    const trouble = new Promise<never>((_resolve, reject) => {
      worker.once('error', (error) => {
        cause = error;
        reject(startError(name, error));
      });
      // Somebody ended it: then there is no error.
      worker.once('exit', (code) => reject(startError(name, new Error(`exit code ${code}`))));
    });
    trouble.catch(() => {});
    this.#exits.push(
      new Promise((resolve) => {
        worker.once('exit', (code) => {
          const shutdown = Atomics.load(shared.progress, PROGRESS_SHUTDOWN);
          // A worker that was ended while it drained leaves the others waiting for it.
          if (shutdown === RUNNING || (shutdown === SHUTDOWN_DRAIN && code !== 0)) {
            const why = cause === undefined ? `exit code ${code}` : failureText(cause);
            setFailure(shared, FAILURE_WORKER, `the worker ${name} stopped: ${why}`);
          }
          resolve();
        });
      }),
    );
    return trouble;
  }

  waitUntil(condition: () => boolean, interest: number, lookMs = BLOCKED_LOOK_MS): void {
    const bells = this.#shared!.bells;
    if (this.#blockingSpin.waitFor(bells, THREAD_MAIN, condition)) return;
    blockUntil(bells, THREAD_MAIN, interest, condition, (rings) => {
      sleepOnBell(bells, THREAD_MAIN, rings, lookMs);
      this.#lookAfterWorkers();
    });
  }

  /** Invariant 2 also holds while this thread is blocked, where the system tells of threads. */
  #lookAfterWorkers(): void {
    const now = performance.now();
    if (now - this.#lookedAtWorkersMs < WORKERS_LOOK_MS) return;
    this.#lookedAtWorkersMs = now;
    poisonIfWorkerGone(this.#shared!);
  }

  watch(interest: number, isDue: () => boolean, wake: () => void, keepsAlive = true): void {
    this.#interest = interest;
    this.#isDue = isDue;
    this.#wake = wake;
    // A database that was opened for reading only has no workers to wait for.
    if (this.#shared === undefined) return;
    if (interest === 0) {
      this.#keepAlive?.unref();
      prepareToWaitAsync(this.#shared.bells, THREAD_MAIN, 0);
      return;
    }
    this.#keepAlive ??= setInterval(() => {}, KEEP_ALIVE_MS);
    if (keepsAlive) this.#keepAlive.ref();
    else this.#keepAlive.unref();
    if (this.#isTurning) return;
    if (keepsAlive && this.#turningSpin.shouldSpin()) this.#startTurning();
    else this.#arm();
  }

  // --- waiting with the event loop awake --------------------------------------------------------

  #startTurning(): void {
    this.#isTurning = true;
    this.#turnUntilMs = performance.now() + this.#turningSpin.limitMs;
    // Until the wait is armed nobody needs to ring for it.
    prepareToWaitAsync(this.#shared!.bells, THREAD_MAIN, 0);
    setImmediate(this.#turn);
  }

  /** One turn of the event loop: everything else that is due in it runs as well. */
  readonly #turn = (): void => {
    if (this.#interest === 0) {
      this.#isTurning = false;
    } else if (this.#isDue()) {
      this.#isTurning = false;
      this.#turningSpin.ended(true);
      this.#onRing();
    } else if (performance.now() < this.#turnUntilMs) {
      setImmediate(this.#turn);
    } else {
      this.#isTurning = false;
      this.#turningSpin.ended(false);
      this.#arm();
    }
  };

  // --- waiting with the event loop asleep -------------------------------------------------------

  #arm(): void {
    const bells = this.#shared!.bells;
    const rings = prepareToWaitAsync(bells, THREAD_MAIN, this.#interest);
    if (this.#isDue()) {
      // What we wait for happened before the interest was declared: nobody will ring for it.
      this.#schedule();
      return;
    }
    // A wait left over from an earlier interest is as good: `notify` wakes it whatever the count.
    if (this.#isWaiting) return;
    const wait = waitOnBellAsync(bells, THREAD_MAIN, rings);
    if (wait === undefined) {
      this.#schedule();
      return;
    }
    this.#isWaiting = true;
    void wait.then(() => {
      this.#isWaiting = false;
      this.#onRing();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#onRing);
  }

  readonly #onRing = (): void => {
    this.#isScheduled = false;
    if (this.#interest !== 0) this.#wake();
  };

  now(): number {
    return performance.now();
  }

  startTimer(delayMs: number, callback: () => void, keepsAlive = false): HostTimer {
    const timeout = setTimeout(callback, delayMs);
    if (!keepsAlive) timeout.unref();
    return { stop: () => clearTimeout(timeout) };
  }

  nextTurn(callback: () => void): void {
    setImmediate(callback);
  }

  async stopped(): Promise<void> {
    for (const worker of this.#workers) worker.ref();
    await Promise.all(this.#exits);
    this.#interest = 0;
    // A wait that is still outstanding would keep its promise for ever.
    if (this.#shared !== undefined && this.#isWaiting) {
      prepareToWaitAsync(this.#shared.bells, THREAD_MAIN, REASON_ANY);
      ringBell(this.#shared.bells, THREAD_MAIN, REASON_ANY);
    }
    clearInterval(this.#keepAlive);
  }
}

function startError(name: string, cause: unknown): ManifoldError {
  return new ManifoldError('ERR_MANIFOLD_WORKER', `the worker ${name} did not start`, { cause });
}

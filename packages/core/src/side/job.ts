/**
 * One piece of side work in progress: hands tasks to the pool, and stops when its signal is aborted
 * or the database closes. Main thread.
 */
import {
  STOP_NOW,
  errorOf,
  type SideTasks,
  type TaskName,
  type TaskOutcome,
  type TaskRequest,
} from './tasks.js';

type Run = <N extends TaskName>(
  request: TaskRequest<N>,
) => Promise<TaskOutcome<SideTasks[N]['output']>>;

export class SideJob {
  /** Resolves once the job is over, however it ended. */
  readonly ended: Promise<void>;
  readonly #run: Run;
  readonly #stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #stopped: Promise<never>;
  #rejectStopped: (reason: unknown) => void = () => {};
  #resolveEnded: () => void = () => {};
  #reason: { readonly error: unknown } | undefined;

  constructor(run: Run) {
    this.#run = run;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#stopped = new Promise((_resolve, reject) => {
      this.#rejectStopped = reject;
    });
    // Nobody may be waiting for it.
    this.#stopped.catch(() => {});
  }

  get isStopped(): boolean {
    return this.#reason !== undefined;
  }

  stop(reason: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = { error: reason };
    Atomics.store(this.#stop, 0, STOP_NOW);
    this.#rejectStopped(reason);
  }

  /** Called by the pool. */
  end(): void {
    this.#resolveEnded();
  }

  throwIfStopped(): void {
    if (this.#reason !== undefined) throw this.#reason.error;
  }

  /** Waits for work that is not a task; a stop ends the waiting, not the work. */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.throwIfStopped();
    return Promise.race([work, this.#stopped]);
  }

  async run<N extends TaskName>(
    name: N,
    input: SideTasks[N]['input'],
  ): Promise<SideTasks[N]['output']> {
    this.throwIfStopped();
    const outcome = await this.#run({ name, input, stop: this.#stop });
    // What was done counts even if a stop came meanwhile: the caller may have to undo it.
    if (outcome.kind === 'stopped') this.throwIfStopped();
    return valueOf(outcome);
  }

  /** Runs a task that cleans up: a stop does not keep it from running. */
  async runAnyway<N extends TaskName>(
    name: N,
    input: SideTasks[N]['input'],
  ): Promise<SideTasks[N]['output']> {
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    return valueOf(await this.#run({ name, input, stop }));
  }
}

function valueOf<T>(outcome: TaskOutcome<T>): T {
  if (outcome.kind === 'done') return outcome.value;
  if (outcome.kind === 'failed') throw errorOf(outcome.failure);
  throw new Error('a task stopped although nobody asked for it');
}

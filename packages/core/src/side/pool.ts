/**
 * The pool of threads for side work (verify, backup). Threads start with the first task, end soon
 * after the last, and do not keep the process alive while they idle. Main thread.
 *
 * Invariants
 * 1. A job never outlives the pool: closing stops every job and waits until each has cleaned up.
 * 2. A stopped job stops by itself: its tasks look at a shared word; no thread is ever killed while
 *    it has files open, unless it dies on its own.
 */
import { ManifoldError, type Vfs, type VfsSpec } from '@manifold-db/storage';
import type { Piscina } from 'piscina';
import { closedError } from '../engine.js';
import { SideJob } from './job.js';
import {
  runTask,
  type SideTasks,
  type TaskName,
  type TaskOutcome,
  type TaskRequest,
} from './tasks.js';
import type { SideWorkerData } from './worker.js';

/**
 * Files of the pool's threads: those of a description, or, for files that exist in this thread
 * only, a `Vfs`; tasks then run on this thread.
 */
export type SideFiles = { readonly vfsSpec: VfsSpec } | { readonly vfs: Vfs };

const REAL_FILES: SideFiles = { vfsSpec: { kind: 'real' } };
/** An idle thread ends after this time. */
const IDLE_MS = 500;

export class SidePool {
  readonly threads: number;
  readonly #files: SideFiles;
  readonly #jobs = new Set<SideJob>();
  #threads: Promise<Threads> | undefined;
  #isClosed = false;

  constructor(threads: number, files: SideFiles = REAL_FILES) {
    this.threads = threads;
    this.#files = files;
  }

  /** Runs `body` as one job, which `signal` and `close` can stop. */
  async job<T>(signal: AbortSignal | undefined, body: (job: SideJob) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closedError();
    signal?.throwIfAborted();
    const job = new SideJob((request) => this.#run(request));
    const abort = (): void => job.stop(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#jobs.add(job);
    try {
      return await body(job);
    } finally {
      this.#jobs.delete(job);
      signal?.removeEventListener('abort', abort);
      job.end();
    }
  }

  async #run<N extends TaskName>(
    request: TaskRequest<N>,
  ): Promise<TaskOutcome<SideTasks[N]['output']>> {
    if ('vfs' in this.#files) return runTask(this.#files.vfs, request);
    try {
      this.#threads ??= startThreads(this.threads, this.#files.vfsSpec);
      const threads = await this.#threads;
      return (await runOn(threads, request)) as TaskOutcome<SideTasks[N]['output']>;
    } catch (error) {
      const what = `a thread of the side pool failed: ${(error as Error).message}`;
      throw new ManifoldError('ERR_MANIFOLD_WORKER', what, { cause: error });
    }
  }

  /** Stops all jobs, waits for their end, ends the threads. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const jobs = [...this.#jobs];
    for (const job of jobs) job.stop(closedError());
    await Promise.all(jobs.map((job) => job.ended));
    const threads = await this.#threads?.catch(() => undefined);
    await threads?.piscina.destroy();
  }
}

interface Threads {
  readonly piscina: Piscina;
  /** What waits for results; called when a thread fails outside of any task. */
  readonly waiting: Set<(error: unknown) => void>;
}

function runOn({ piscina, waiting }: Threads, request: TaskRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A thread that dies before it is ready fails no task: this one would wait for ever.
    waiting.add(reject);
    const settled = piscina.run(request).then(resolve, reject);
    void settled.finally(() => waiting.delete(reject));
  });
}

/** Loaded only when it is needed: most databases never verify or back up. */
async function startThreads(threads: number, vfsSpec: VfsSpec): Promise<Threads> {
  const { Piscina: Pool } = await import('piscina');
  const data: SideWorkerData = { vfsSpec };
  const piscina = new Pool({
    filename: new URL('./worker.js', import.meta.url).href,
    name: 'runSideTask',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MS,
    recordTiming: false,
    // Flags of the main program (--input-type, --import) are about its own modules.
    execArgv: [],
    workerData: data,
  });
  const waiting: Threads['waiting'] = new Set();
  piscina.on('error', (error) => {
    for (const reject of waiting) reject(error);
  });
  return { piscina, waiting };
}

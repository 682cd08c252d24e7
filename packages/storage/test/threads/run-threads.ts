/**
 * Runs test workers on real threads. They import the built package (`dist`), so `tsc -b` comes
 * before the tests. A worker posts one message, its result; an exception fails the test.
 */
import { Worker } from 'node:worker_threads';

export interface ThreadJob {
  /** File in this folder. */
  readonly file: string;
  readonly data: unknown;
}

/** Results in the order of the jobs. The hang limit is the test's own time-out. */
export async function runThreads(jobs: readonly ThreadJob[]): Promise<unknown[]> {
  const workers = jobs.map(({ file, data }) => {
    return new Worker(new URL(file, import.meta.url), { workerData: data });
  });
  const results = workers.map((worker) => {
    return new Promise<unknown>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
    });
  });
  try {
    return await Promise.all(results);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

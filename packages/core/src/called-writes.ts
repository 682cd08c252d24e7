/**
 * Waiting for the writes that were called so far, also for those that wait for admission and have
 * no sequence yet. Main thread.
 */
import type { CommitPipeline } from './commit.js';

/**
 * Resolves once every write called so far has its sequence, or was refused: an operation without
 * changes takes its place behind them. Rejects with the reason of the signal, or with that for
 * which all that waited were refused: the database failed, the disk is full.
 */
export function whenAllAdmitted(pipeline: CommitPipeline, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const admitted = () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const refused = (error: unknown) => {
      signal?.removeEventListener('abort', abort);
      reject(error);
    };
    const build = () => {};
    pipeline.submit({ build, durability: 'none', bytes: 0, resolve: admitted, reject: refused });
  });
}

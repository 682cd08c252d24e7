/**
 * The workers that the engine starts during a test of the file that calls this, in their order.
 */
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach } from 'vitest';

export function startedWorkers(): Worker[] {
  const workers: Worker[] = [];
  const remember = (worker: Worker): void => {
    workers.push(worker);
  };
  beforeEach(() => {
    process.on('worker', remember);
  });
  afterEach(() => {
    process.off('worker', remember);
    workers.splice(0);
  });
  return workers;
}

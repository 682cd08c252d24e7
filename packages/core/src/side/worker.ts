/** Entry of the side pool's threads; piscina calls `runSideTask` with one request at a time. */
import { workerData } from 'node:worker_threads';
import { createVfs, type VfsSpec } from '@manifold-db/storage';
import { runTask, type TaskOutcome, type TaskRequest } from './tasks.js';

/** What every thread of the pool is started with. */
export interface SideWorkerData {
  readonly vfsSpec: VfsSpec;
}

const vfs = createVfs((workerData as SideWorkerData).vfsSpec);

export function runSideTask(request: TaskRequest): TaskOutcome<unknown> {
  return runTask(vfs, request);
}

/**
 * What every part of apply worker 0 works with: shared memory, files, clock. Made once per thread.
 */
import { join } from 'node:path';
import {
  DATA_FILE_NAME,
  Pager,
  THREAD_APPLY,
  attachShared,
  isLockOwned,
  type ApplyInit,
  type Shared,
  type Vfs,
  type VfsFile,
} from '@manifold-db/storage';

/** What one `step()` did. */
export type StepResult = 'worked' | 'idle' | 'stopped';

/** What the simulator replaces besides the files. */
export interface ApplyEnvironment {
  /** Monotonic clock. */
  readonly nowMs?: (() => number) | undefined;
}

export interface ApplyContext {
  readonly init: ApplyInit;
  readonly shared: Shared;
  readonly vfs: Vfs;
  readonly dataPath: string;
  readonly dataFile: VfsFile;
  readonly pager: Pager;
  nowMs(): number;
  /** Whether the database directory is still locked by this process. */
  stillOwned(): boolean;
}

export function createContext(
  init: ApplyInit,
  vfs: Vfs,
  environment: ApplyEnvironment,
): ApplyContext {
  const shared = attachShared(init.buffers);
  const dataPath = join(init.directory, DATA_FILE_NAME);
  const dataFile = vfs.open(dataPath, 'read-write');
  const pager = new Pager({
    shared,
    thread: THREAD_APPLY + init.workerIndex,
    file: dataFile,
    path: dataPath,
    canWriteThrough: true,
  });
  pager.loader.reserveScratch();
  const { lockNonce } = init;
  return {
    init,
    shared,
    vfs,
    dataPath,
    dataFile,
    pager,
    nowMs: environment.nowMs ?? (() => performance.now()),
    stillOwned: () => lockNonce === undefined || isLockOwned(vfs, init.directory, lockNonce),
  };
}

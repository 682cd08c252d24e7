/**
 * Entry of the fsync worker's thread: steps the loop, sleeps on the thread's bell when there is
 * nothing to do. Ends when the loop stops; an exception poisons the database and ends the thread.
 *
 * No spinning before the sleep. Measured on two cores with one commit at a time: a caller that
 * awaits its commit is back with the next one after some 50 µs, so a spin of 20 µs changes nothing
 * beyond the noise, and one long enough to meet it takes the core that main or the apply worker
 * needs (the slowest tenth of the commits gets twice as slow).
 */
import { workerData } from 'node:worker_threads';
import {
  FAILURE_WORKER,
  PROGRESS_READY,
  REASON_APPENDED,
  REASON_REQUEST,
  THREAD_MAIN,
  THREAD_WAL,
  attachShared,
  cancelSleep,
  failureText,
  prefaultRing,
  prepareToSleep,
  ringBell,
  setFailure,
  sleepOnBell,
} from '@manifold-db/storage';
import { createWalLoop } from './create-wal-loop.js';
import type { WalWorkerInit } from './init.js';
import type { WalLoop } from './wal-loop.js';

function run(loop: WalLoop, bells: Int32Array): void {
  for (;;) {
    const result = loop.step();
    if (result === 'stopped') return;
    if (result === 'worked') continue;
    const rings = prepareToSleep(bells, THREAD_WAL, REASON_APPENDED | REASON_REQUEST);
    if (loop.hasWork()) cancelSleep(bells, THREAD_WAL);
    else sleepOnBell(bells, THREAD_WAL, rings);
  }
}

function main(init: WalWorkerInit): void {
  const shared = attachShared(init.buffers);
  try {
    const loop = createWalLoop(init);
    Atomics.add(shared.progress, PROGRESS_READY, 1);
    ringBell(shared.bells, THREAD_MAIN, REASON_REQUEST);
    prefaultRing(shared);
    run(loop, shared.bells);
  } catch (error) {
    setFailure(shared, FAILURE_WORKER, `the fsync worker failed: ${failureText(error)}`);
    throw error;
  }
}

main(workerData as WalWorkerInit);

/**
 * Entry of the fsync worker's thread: steps the loop; when there is nothing to do it stays awake
 * for a moment, then sleeps on the thread's bell. Ends when the loop stops; an exception poisons
 * the database and ends the thread.
 */
import { workerData } from 'node:worker_threads';
import {
  BELL_RINGS,
  BELL_WORDS,
  FAILURE_WORKER,
  PROGRESS_READY,
  REASON_APPENDED,
  REASON_REQUEST,
  SpinPolicy,
  TEST_SWITCH_LOST_WAKE_UP,
  THREAD_MAIN,
  THREAD_WAL,
  attachShared,
  cancelSleep,
  failureText,
  isTestSwitchOn,
  noteThread,
  prefaultRing,
  prepareToSleep,
  ringBell,
  setFailure,
  sleepOnBell,
  type Shared,
} from '@manifold-db/storage';
import { createWalLoop } from './create-wal-loop.js';
import type { WalWorkerInit } from './init.js';
import type { WalLoop } from './wal-loop.js';

/** A caller that commits one write after another is back with the next one by then. */
const SPIN_MS = 0.5;

/** B3 re-injected: the rings are counted some time after the look for work, not before it. */
const LATE_MS = 5;

function ringsToSleepOn(shared: Shared, rings: number): number {
  if (!isTestSwitchOn(shared, TEST_SWITCH_LOST_WAKE_UP)) return rings;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LATE_MS);
  return Atomics.load(shared.bells, THREAD_WAL * BELL_WORDS + BELL_RINGS);
}

function run(loop: WalLoop, shared: Shared): void {
  const { bells } = shared;
  const spin = new SpinPolicy(SPIN_MS);
  const hasWork = (): boolean => loop.hasWork();
  for (;;) {
    const result = loop.step();
    if (result === 'stopped') return;
    if (result === 'worked') continue;
    if (spin.waitFor(bells, THREAD_WAL, hasWork)) continue;
    loop.ringApplyWorkers();
    const rings = prepareToSleep(bells, THREAD_WAL, REASON_APPENDED | REASON_REQUEST);
    if (hasWork()) cancelSleep(bells, THREAD_WAL);
    else sleepOnBell(bells, THREAD_WAL, ringsToSleepOn(shared, rings));
  }
}

function main(init: WalWorkerInit): void {
  const shared = attachShared(init.buffers);
  try {
    noteThread(shared, THREAD_WAL);
    const loop = createWalLoop(init);
    Atomics.add(shared.progress, PROGRESS_READY, 1);
    ringBell(shared.bells, THREAD_MAIN, REASON_REQUEST);
    prefaultRing(shared);
    run(loop, shared);
  } catch (error) {
    setFailure(shared, FAILURE_WORKER, `the fsync worker failed: ${failureText(error)}`);
    throw error;
  }
}

main(workerData as WalWorkerInit);

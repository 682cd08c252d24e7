/**
 * Entry of an apply worker's thread: steps the loop, sleeps on the thread's bell when there is
 * nothing to do. Ends when the loop stops; an exception poisons the database and ends the thread.
 */
import { workerData } from 'node:worker_threads';
import {
  FAILURE_WORKER,
  PROGRESS_READY,
  REASON_APPLIED,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  THREAD_APPLY,
  THREAD_MAIN,
  attachShared,
  cancelSleep,
  failureText,
  noteThread,
  prepareToSleep,
  ringBell,
  setFailure,
  sleepOnBell,
  type ApplyInit,
} from '@manifold-db/storage';
import { createApplyLoop } from './create-apply-loop.js';

const INTEREST = REASON_SYNCED | REASON_APPLIED | REASON_SPACE | REASON_REQUEST;

function run(loop: ReturnType<typeof createApplyLoop>, bells: Int32Array, thread: number): void {
  for (;;) {
    let result = loop.step();
    if (result === 'idle') {
      // Declared before the step that looks once more: what changes after that step rings.
      const rings = prepareToSleep(bells, thread, INTEREST);
      result = loop.step();
      if (result === 'idle') sleepOnBell(bells, thread, rings, loop.sleepMs());
      else cancelSleep(bells, thread);
    }
    if (result === 'stopped') return;
  }
}

function main(init: ApplyInit): void {
  const shared = attachShared(init.buffers);
  try {
    noteThread(shared, THREAD_APPLY + init.workerIndex);
    const loop = createApplyLoop(init);
    Atomics.add(shared.progress, PROGRESS_READY, 1);
    ringBell(shared.bells, THREAD_MAIN, REASON_REQUEST);
    run(loop, shared.bells, THREAD_APPLY + init.workerIndex);
  } catch (error) {
    setFailure(shared, FAILURE_WORKER, `an apply worker failed: ${failureText(error)}`);
    throw error;
  }
}

main(workerData as ApplyInit);

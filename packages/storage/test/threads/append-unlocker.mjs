/** Unlocks the append lock, which another thread took, after a while. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachShared, unlockAppend } from '../../dist/index.js';

const { buffers, afterMs, hasStarted } = workerData;
const shared = attachShared(buffers);
Atomics.store(hasStarted, 0, 1);
Atomics.notify(hasStarted, 0);
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, afterMs);
unlockAppend(shared);
parentPort.postMessage('done');

/** Fails the database, and is held up for as long as it is told before its text is stored. */
import { parentPort, workerData } from 'node:worker_threads';
import { FAILURE_WORKER, attachShared, setFailure } from '../../dist/index.js';

const { buffers, text, heldUpMs } = workerData;
const shared = attachShared(buffers);
const { failureText } = shared;
const word = new Int32Array(new SharedArrayBuffer(4));
failureText.set = (...args) => {
  Atomics.wait(word, 0, 0, heldUpMs);
  Uint8Array.prototype.set.apply(failureText, args);
};
setFailure(shared, FAILURE_WORKER, text);
parentPort.postMessage('done');

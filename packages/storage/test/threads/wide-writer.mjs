/** Raises a wide counter until the reader saw enough; values are `start` plus multiples of 7. */
import { parentPort, workerData } from 'node:worker_threads';
import { storeWide } from '../../dist/index.js';

const { words, start, stores } = workerData;
let value = start;
// Both threads run at once, or the reader would see only the ends.
Atomics.wait(words, 9, 0);
for (let count = 0; count < stores || Atomics.load(words, 10) === 0; count++) {
  // Every other step is almost the largest one allowed and moves the high word.
  value += count % 2 === 0 && count < stores ? 7 * 306_783_378 : 7;
  storeWide(words, 0, value);
}
Atomics.store(words, 8, 1);
parentPort.postMessage({ last: value });

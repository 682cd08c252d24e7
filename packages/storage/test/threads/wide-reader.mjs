/** Reads the counter until the writer is done: never torn, never going back. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadWide } from '../../dist/index.js';

const { words, start, enough } = workerData;
let before = start;
let changes = 0;
Atomics.store(words, 9, 1);
Atomics.notify(words, 9);
while (Atomics.load(words, 8) === 0) {
  const value = loadWide(words, 0);
  if (value < before) throw new Error(`${value} after ${before}`);
  if ((value - start) % 7 !== 0) throw new Error(`${value} was never stored`);
  if (value !== before && ++changes === enough) Atomics.store(words, 10, 1);
  before = value;
}
parentPort.postMessage({ last: loadWide(words, 0) });

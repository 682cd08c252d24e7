/** Raises a plain (not atomic) counter under the lock. */
import { parentPort, workerData } from 'node:worker_threads';
import { lockMutexFor, unlockMutex } from '../../dist/index.js';

/** Only against a hang. */
const LIMIT_MS = 60_000;
const { words, rounds } = workerData;
for (let round = 0; round < rounds; round++) {
  if (!lockMutexFor(words, 0, LIMIT_MS)) throw new Error('nobody woke this thread');
  words[1] = words[1] + 1;
  // A second word, far away: both or neither are seen.
  words[33] = words[33] + 1;
  if (words[1] !== words[33]) throw new Error('two threads hold the lock');
  unlockMutex(words, 0);
}
parentPort.postMessage('done');

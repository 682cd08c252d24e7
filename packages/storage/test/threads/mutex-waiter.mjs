/** Takes the lock once. */
import { parentPort, workerData } from 'node:worker_threads';
import { lockMutexFor, unlockMutex } from '../../dist/index.js';

/** Only against a hang. */
const LIMIT_MS = 60_000;
const { words } = workerData;
if (!lockMutexFor(words, 0, LIMIT_MS)) throw new Error('nobody woke this thread');
unlockMutex(words, 0);
parentPort.postMessage('done');

/** Takes the lock once. */
import { parentPort, workerData } from 'node:worker_threads';
import { lockMutex, unlockMutex } from '../../dist/index.js';

const { words } = workerData;
lockMutex(words, 0);
unlockMutex(words, 0);
parentPort.postMessage('done');

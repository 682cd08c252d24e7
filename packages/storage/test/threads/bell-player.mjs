/** Ping-pong: waits on its own bell for its turn, passes the turn on, rings the other's bell. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  REASON_APPENDED,
  REASON_SYNCED,
  cancelSleep,
  prepareToSleep,
  ringBell,
  sleepOnBell,
} from '../../dist/index.js';

const { bells, turn, thread, other, rounds, noise } = workerData;
let sleeps = 0;
for (let round = 0; round < rounds; round++) {
  while (Atomics.load(turn, 0) !== thread) {
    const rings = prepareToSleep(bells, thread, REASON_APPENDED);
    if (Atomics.load(turn, 0) === thread) cancelSleep(bells, thread);
    else {
      sleeps++;
      sleepOnBell(bells, thread, rings);
    }
  }
  Atomics.store(turn, 0, other);
  // Rings for reasons nobody waits for must not swallow the one that counts.
  if (noise) ringBell(bells, other, REASON_SYNCED);
  ringBell(bells, other, REASON_APPENDED);
}
parentPort.postMessage({ sleeps });

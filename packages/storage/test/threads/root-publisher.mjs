/**
 * The applier: publishes root sets whose every word follows from the sequence, until all saw
 * enough.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ROOTS_STAGED, ROOT_WORDS, attachShared, publishRootSet } from '../../dist/index.js';

const { buffers, firstSequence, setsMin, slots, seen, readers, changesMin } = workerData;
const shared = attachShared(buffers);

function haveAllSeenEnough() {
  for (let reader = 0; reader < readers; reader++) {
    if (Atomics.load(seen, reader) < changesMin) return false;
  }
  return true;
}

let sets = 0;
while (sets < setsMin || !haveAllSeenEnough()) {
  const sequence = firstSequence + sets++;
  for (let slot = 0; slot < slots; slot++) {
    const at = ROOTS_STAGED + slot * ROOT_WORDS;
    for (let word = 0; word < ROOT_WORDS; word++) shared.roots[at + word] = (sequence + slot) | 0;
  }
  publishRootSet(shared, ROOTS_STAGED, sequence, sequence * 2);
}
Atomics.store(seen, readers, 1);
parentPort.postMessage({ sets });

/** Appends records of random sizes, some as transactions of three fragments. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  CLAIM_OK,
  CLAIM_RING_FULL,
  PROGRESS_APPENDED,
  REASON_SPACE,
  attachShared,
  cancelSleep,
  loadWide,
  lockAppend,
  newClaim,
  prepareToSleep,
  publishRecord,
  recordBytesMax,
  sleepOnBell,
  storeWide,
  tryClaim,
  unlockAppend,
} from '../../dist/index.js';
import { newRandom, patternWord } from './pattern.mjs';

const { buffers, thread, transactions } = workerData;
const shared = attachShared(buffers);
const words = new Int32Array(buffers.ringBytes);
const random = newRandom(thread * 7919);
const claim = newClaim();
let fullCount = 0;

/** Waits on this thread's bell until the claim succeeds; the append lock stays held. */
function claimHolding(bytes, sequence, completes) {
  for (;;) {
    const first = tryClaim(shared, bytes, sequence, completes, claim);
    if (first === CLAIM_OK) return;
    if (first !== CLAIM_RING_FULL) throw new Error(`claim refused: ${first}`);
    fullCount++;
    const rings = prepareToSleep(shared.bells, thread, REASON_SPACE);
    if (tryClaim(shared, bytes, sequence, completes, claim) === CLAIM_OK) {
      cancelSleep(shared.bells, thread);
      return;
    }
    sleepOnBell(shared.bells, thread, rings);
  }
}

function fill(sequence) {
  const base = claim.byteOffset >>> 2;
  const count = claim.bytes >>> 2;
  for (let index = 0; index < count; index++) words[base + index] = patternWord(sequence, index);
}

function randomBytes() {
  const largest = recordBytesMax(buffers.sizes) / 8;
  return 8 * (1 + (random(50) === 0 ? random(largest) : random(60)));
}

for (let done = 0; done < transactions; done++) {
  lockAppend(shared);
  const sequence = loadWide(shared.progress, PROGRESS_APPENDED) + 1;
  if (random(40) === 0) {
    for (let fragment = 0; fragment < 2; fragment++) {
      claimHolding(randomBytes(), sequence, false);
      fill(sequence);
      publishRecord(shared, claim);
    }
  }
  claimHolding(randomBytes(), sequence, true);
  storeWide(shared.progress, PROGRESS_APPENDED, sequence);
  unlockAppend(shared);
  fill(sequence);
  publishRecord(shared, claim);
}
parentPort.postMessage({ fullCount });

/** Pushes commits; waits on the main thread's bell when the queue is full. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  PART_WORDS,
  PROGRESS_SYNCED,
  PendingEntry,
  QueueProducer,
  REASON_SPACE,
  REASON_SYNCED,
  THREAD_APPLY,
  THREAD_MAIN,
  attachShared,
  cancelSleep,
  prepareToSleep,
  ringBell,
  sleepOnBell,
  storeWide,
} from '../../dist/index.js';
import { sizesOf, wordOf } from './queue-commits.mjs';

const { buffers, firstSequence, commits } = workerData;
const shared = attachShared(buffers);
const producer = new QueueProducer(shared);
const entry = new PendingEntry();
const row = new Int32Array(PART_WORDS);
const allocated = new Int32Array(1 << 18);
const freed = new Int32Array(3 << 16);
let waits = 0;

function waitUntil(condition) {
  while (!condition()) {
    waits++;
    const rings = prepareToSleep(shared.bells, THREAD_MAIN, REASON_SPACE);
    if (condition()) cancelSleep(shared.bells, THREAD_MAIN);
    else sleepOnBell(shared.bells, THREAD_MAIN, rings, 20_000);
  }
}

function fill(sequence, sizes) {
  for (let i = 0; i < sizes.allocated; i++) allocated[i] = wordOf(sequence, 1, i);
  for (let i = 0; i < sizes.freed * 3; i++) freed[i] = wordOf(sequence, 2, i);
  entry.resetLists(sequence, sequence * 2, allocated, sizes.allocated, freed, sizes.freed);
  for (let part = 0; part < sizes.parts; part++) {
    for (let i = 0; i < row.length - 1; i++) row[i] = wordOf(sequence, 3 + part, i);
    entry.addPart(part, row, 0);
  }
}

for (let position = 0; position < commits; position++) {
  const sequence = firstSequence + position;
  const sizes = sizesOf(sequence, position);
  fill(sequence, sizes);
  waitUntil(() => producer.hasRoom(64));
  if (!producer.push(entry)) waitUntil(() => producer.push(entry));
  // Plays the fsync worker: the sync comes after the push, or long before the next one.
  storeWide(shared.progress, PROGRESS_SYNCED, sequence);
  for (let worker = 0; worker < buffers.sizes.applyWorkers; worker++) {
    ringBell(shared.bells, THREAD_APPLY + worker, REASON_SYNCED);
  }
}
parentPort.postMessage({ waits });

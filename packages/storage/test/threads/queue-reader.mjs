/**
 * Apply worker w: takes in every entry, checks order and every word; worker 0 counts commits off.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  ENTRY_ALLOCATED,
  ENTRY_FLAGS,
  ENTRY_FREED,
  ENTRY_HEADER_WORDS,
  ENTRY_MARK,
  ENTRY_MORE,
  ENTRY_PARTS,
  ENTRY_SEQUENCE,
  NO_ENTRY,
  PART_WORDS,
  QUEUE_POPPED,
  QueueConsumer,
  REASON_REQUEST,
  REASON_SPACE,
  REASON_SYNCED,
  THREAD_APPLY,
  THREAD_MAIN,
  attachShared,
  cancelSleep,
  loadWideOwned,
  prepareToSleep,
  ringBell,
  sleepOnBell,
} from '../../dist/index.js';
import { sizesOf, wordOf } from './queue-commits.mjs';

const { buffers, worker, firstSequence, commits } = workerData;
const shared = attachShared(buffers);
const queue = shared.queueWords;
const consumer = new QueueConsumer(shared, worker);
let position = 0;
let fragments = 0;
let allocatedSeen = 0;
let freedSeen = 0;

function expectSame(actual, wanted, what) {
  if (actual !== wanted) throw new Error(`commit ${position}: ${what} is ${actual}, not ${wanted}`);
}

function checkParts(sequence, at, count) {
  for (let part = 0; part < count; part++) {
    expectSame(queue[at + part * PART_WORDS], part, 'slot');
    for (let i = 0; i < PART_WORDS - 1; i++) {
      const word = queue[at + part * PART_WORDS + 1 + i];
      expectSame(word, wordOf(sequence, 3 + part, i), 'root word');
    }
  }
}

function checkEntry(base) {
  const sequence = firstSequence + position;
  const sizes = sizesOf(sequence, position);
  expectSame(loadWideOwned(queue, base + ENTRY_SEQUENCE), sequence, 'sequence');
  expectSame(loadWideOwned(queue, base + ENTRY_MARK), sequence * 2, 'mark');
  let at = base + ENTRY_HEADER_WORDS;
  const parts = queue[base + ENTRY_PARTS];
  if (allocatedSeen + freedSeen === 0) expectSame(parts, sizes.parts, 'part count');
  checkParts(sequence, at, parts);
  at += parts * PART_WORDS;
  const allocated = queue[base + ENTRY_ALLOCATED];
  for (let i = 0; i < allocated; i++) {
    expectSame(queue[at++], wordOf(sequence, 1, allocatedSeen + i), 'allocated page');
  }
  allocatedSeen += allocated;
  const freed = queue[base + ENTRY_FREED] * 3;
  for (let i = 0; i < freed; i++) {
    expectSame(queue[at++], wordOf(sequence, 2, freedSeen * 3 + i), 'freed word');
  }
  freedSeen += freed / 3;
  fragments++;
  if ((queue[base + ENTRY_FLAGS] & ENTRY_MORE) !== 0) return;
  expectSame(allocatedSeen, sizes.allocated, 'allocated count');
  expectSame(freedSeen, sizes.freed, 'freed count');
  allocatedSeen = 0;
  freedSeen = 0;
  position++;
  if (worker === 0) {
    const popped = shared.queueControl[QUEUE_POPPED];
    Atomics.store(shared.queueControl, QUEUE_POPPED, (popped + 1) | 0);
  }
}

while (position < commits) {
  const at = consumer.next();
  if (at !== NO_ENTRY) {
    checkEntry(at);
    // Not after every entry, so that the producer meets a full queue.
    if (fragments % 3 === 0) consumer.release();
    if (worker === 0) ringBell(shared.bells, THREAD_MAIN, REASON_SPACE);
    continue;
  }
  consumer.release();
  const thread = THREAD_APPLY + worker;
  const rings = prepareToSleep(shared.bells, thread, REASON_SYNCED | REASON_REQUEST);
  if (consumer.hasNext()) cancelSleep(shared.bells, thread);
  else sleepOnBell(shared.bells, thread, rings, 20_000);
}
consumer.release();
parentPort.postMessage({ fragments });

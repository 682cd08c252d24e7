/** Takes everything the producers append and checks order and every word. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  DESCRIPTOR_BYTES,
  DESCRIPTOR_COMPLETES,
  DESCRIPTOR_WORDS,
  PROGRESS_APPENDED,
  REASON_APPENDED,
  REASON_SPACE,
  RING_CONSUMED,
  RING_RECORDS_MAX,
  RingConsumer,
  THREAD_WAL,
  attachShared,
  cancelSleep,
  loadWide,
  prepareToSleep,
  ringBell,
  sleepOnBell,
} from '../../dist/index.js';
import { newRandom, patternWord } from './pattern.mjs';

const { buffers, producers, firstSequence, lastSequence } = workerData;
const shared = attachShared(buffers);
const words = new Int32Array(buffers.ringBytes);
const consumer = new RingConsumer(shared, firstSequence);
const random = newRandom(99);
let checkedRecords = 0;

/** Descriptors of the batch give the sizes; the sequence follows from the order. */
function checkBatch(sequenceBefore) {
  let record = Atomics.load(shared.ringControl, RING_CONSUMED);
  let base = consumer.byteOffset >>> 2;
  let sequence = sequenceBefore + 1;
  for (let taken = 0; taken < consumer.records; taken++) {
    const row = (record & (RING_RECORDS_MAX - 1)) * DESCRIPTOR_WORDS;
    const count = shared.ringDescriptors[row + DESCRIPTOR_BYTES] >>> 2;
    for (let index = 0; index < count; index++) {
      if (words[base + index] !== patternWord(sequence, index)) {
        throw new Error(`record ${record}, sequence ${sequence}: word ${index} is wrong`);
      }
    }
    base += count;
    if (shared.ringDescriptors[row + DESCRIPTOR_COMPLETES] === 1) sequence++;
    record = (record + 1) | 0;
    checkedRecords++;
  }
  if (sequence - 1 !== consumer.completedSequence) throw new Error('the batch tells another end');
  if (base << 2 !== consumer.byteOffset + consumer.bytes) throw new Error('the batch is not whole');
}

while (consumer.completedSequence < lastSequence) {
  const before = consumer.completedSequence;
  const bytesMax = random(4) === 0 ? 17_000 : 1 << 20;
  if (consumer.gather(bytesMax, consumer.claimed()) > 0) {
    checkBatch(before);
    consumer.release();
    if (loadWide(shared.progress, PROGRESS_APPENDED) < consumer.completedSequence) {
      throw new Error('published before it was appended');
    }
    for (const thread of producers) ringBell(shared.bells, thread, REASON_SPACE);
    continue;
  }
  const rings = prepareToSleep(shared.bells, THREAD_WAL, REASON_APPENDED);
  if (consumer.hasPublished()) cancelSleep(shared.bells, THREAD_WAL);
  else sleepOnBell(shared.bells, THREAD_WAL, rings);
}
parentPort.postMessage({ checkedRecords, hasClaimed: consumer.hasClaimed() });

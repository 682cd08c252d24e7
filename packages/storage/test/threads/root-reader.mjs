/** Reads root sets and single rows as fast as it can; each must be one set, and none older. */
import { parentPort, workerData } from 'node:worker_threads';
import { ROOT_WORDS, RootRow, RootSetReader, attachShared } from '../../dist/index.js';

const { buffers, firstSequence, slots, seen, readers, reader: number } = workerData;
const shared = attachShared(buffers);
const reader = new RootSetReader(shared);
const row = new RootRow();
let last = firstSequence;

function check(isRight) {
  if (!isRight) throw new Error(`a torn root set at sequence ${reader.sequence}`);
}

while (Atomics.load(seen, readers) === 0) {
  reader.readSet();
  if (reader.sequence < firstSequence) continue;
  check(reader.sequence >= last && reader.mark === reader.sequence * 2 && reader.slots === slots);
  for (let i = 0; i < slots * ROOT_WORDS; i++) {
    check(reader.rows[i] === ((reader.sequence + Math.floor(i / ROOT_WORDS)) | 0));
  }
  if (reader.sequence > last) Atomics.add(seen, number, 1);
  last = reader.sequence;
  reader.readRow(slots - 1, row);
  check(row.id === ((reader.sequence + slots - 1) | 0) && row.page === row.id);
  check(reader.sequence >= last);
  last = reader.sequence;
}
parentPort.postMessage('done');

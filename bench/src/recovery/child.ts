/**
 * The process that dies: fills the log with durable commits and is then killed, without a close and
 * without a checkpoint, so that everything has to be replayed.
 */
import { openManifold } from '../engines/manifold.js';
import { serveIsolated } from '../isolated.js';
import { shuffled } from '../random.js';
import {
  KEY_BYTES,
  VALUE_BYTES,
  openFamily,
  optionsFor,
  writeKey,
  type RecoveryParameters,
} from './run.js';

/** Commits under way at a time; the log is filled as fast as it goes. */
const IN_FLIGHT = 16;

serveIsolated(async (parameters: RecoveryParameters): Promise<{ syncedSequence: number }> => {
  const { directory, count, batchOps, order } = parameters;
  const database = await openManifold(directory, optionsFor(parameters));
  const family = openFamily(database);
  const key = Buffer.alloc(KEY_BYTES);
  const value = Buffer.alloc(VALUE_BYTES, 0x5a);
  const numbers = order === 'random' ? shuffled(count, 99) : undefined;
  const underWay: Promise<unknown>[] = [];
  for (let first = 0; first < count; first += batchOps) {
    const end = Math.min(count, first + batchOps);
    const commit = database.write((tx) => {
      for (let i = first; i < end; i++) {
        const number = numbers === undefined ? i : numbers[i]!;
        tx.put(family, writeKey(key, number), value);
      }
    });
    underWay.push(commit);
    if (underWay.length >= IN_FLIGHT) await underWay.shift();
  }
  await Promise.all(underWay);
  return { syncedSequence: database.lastSynced };
});

/**
 * Puts Manifold's write buffer into a state that reads have to look through: two generations
 * sealed, the active one half full.
 *
 * Only the main thread lets merged generations go, and only in a turn of its event loop or when it
 * needs one. So what was filled here stays above the tree for as long as the caller does not give
 * way: fill, read, look at `state`, all in one turn.
 */
import type { Stats } from '@manifold-db/core';
import type { ManifoldStore } from '../engines/manifold-store.js';
import { LOAD_BATCH_OPS, loadOrder } from '../loading.js';
import { RecordPuts, type Records } from '../records.js';

const SEALED = 2;
const FILL_GENERATIONS = 2.5;
/** Fills that merges have overtaken before they were complete. */
const ATTEMPTS_MAX = 50;

export type BufferState = Pick<
  NonNullable<Stats['writeBuffer']>,
  'fillBytes' | 'capacityBytes' | 'sealedCount' | 'count'
>;

/** `undefined` in modes without a write buffer. */
export function bufferState({ database }: ManifoldStore): BufferState | undefined {
  const { writeBuffer } = database.stats();
  if (writeBuffer === undefined) return undefined;
  const { fillBytes, capacityBytes, sealedCount, count } = writeBuffer;
  return { fillBytes, capacityBytes, sealedCount, count };
}

function isReached({ fillBytes, capacityBytes, sealedCount, count }: BufferState): boolean {
  return sealedCount === SEALED && fillBytes >= FILL_GENERATIONS * (capacityBytes / count);
}

/** Puts records again, with the values that they have: what is read stays the same. */
export function fillBuffers(store: ManifoldStore, records: Records): BufferState {
  const { database } = store;
  const family = database.columnFamily<Buffer, Buffer>('family-0', {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  const order = loadOrder(records);
  const { capacityBytes } = bufferState(store)!;
  let next = 0;
  let bytesPut = 0;
  while (bytesPut < capacityBytes * ATTEMPTS_MAX) {
    if (next >= order.length) next = 0;
    const puts = new RecordPuts(records, order, next, LOAD_BATCH_OPS / 10);
    next += puts.ops;
    database.writeSync(
      (tx) => {
        for (let i = 0; i < puts.ops; i++) {
          const key = puts.nextKey();
          const value = puts.value();
          bytesPut += key.length + value.length;
          tx.put(family, key, value);
        }
      },
      { durability: 'none' },
    );
    const state = bufferState(store)!;
    if (isReached(state)) return state;
  }
  throw new Error('the write buffer did not fill up: its generations are merged too fast');
}

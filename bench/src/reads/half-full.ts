/**
 * Puts Manifold's write buffer into a state that reads have to look through, and keeps it there:
 * two generations sealed, the active one half full. What is not synced is not merged, so the log's
 * syncs are held up meanwhile; the ring and one log segment have room for everything.
 */
import type { Stats } from '@manifold-db/core';
import { SYNCS_HELD, SYNCS_RUN } from '@manifold-db/storage';
import type { ManifoldStore } from '../engines/manifold-store.js';
import { LOAD_BATCH_OPS, loadOrder } from '../loading.js';
import { RecordPuts, type Records } from '../records.js';
import { MIB } from '../sizes.js';

const SEALED = 2;
const FILL_GENERATIONS = 2.5;
const PUTS_PER_COMMIT = LOAD_BATCH_OPS / 10;

/** Log sizes that do not wait for a sync before the state is reached. */
export const ROOMY_LOG = {
  walRingBytes: 64 * MIB,
  walSegmentBytes: 72 * MIB,
  walBytesMax: 8 * 72 * MIB,
} as const;

export type BufferState = Pick<
  NonNullable<Stats['writeBuffer']>,
  'fillBytes' | 'capacityBytes' | 'sealedCount' | 'count'
>;

function stateOf({ database }: ManifoldStore): BufferState {
  const { fillBytes, capacityBytes, sealedCount, count } = database.stats().writeBuffer!;
  return { fillBytes, capacityBytes, sealedCount, count };
}

export class HalfFullBuffers {
  readonly #store: ManifoldStore;
  readonly #records: Records;
  readonly #order: Uint32Array;
  readonly #hold: Int32Array;
  #next = 0;

  constructor(store: ManifoldStore, records: Records, hold: SharedArrayBuffer) {
    this.#store = store;
    this.#records = records;
    this.#order = loadOrder(records);
    this.#hold = new Int32Array(hold);
  }

  get state(): BufferState {
    return stateOf(this.#store);
  }

  fill(): void {
    Atomics.store(this.#hold, 0, SYNCS_HELD);
    const { capacityBytes, count } = this.state;
    const wanted = FILL_GENERATIONS * (capacityBytes / count);
    for (let filled = 0; filled < wanted; filled = this.state.fillBytes) {
      if (filled > 0 && this.state.sealedCount > SEALED) break;
      this.#commit();
    }
    const { sealedCount } = this.state;
    if (sealedCount !== SEALED) throw new Error(`${sealedCount} generations are sealed`);
  }

  /** Records again, with the values that they have: what is read stays the same. */
  #commit(): void {
    const { database } = this.#store;
    const family = database.columnFamily<Buffer, Buffer>('family-0', {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    if (this.#next >= this.#order.length) this.#next = 0;
    const puts = new RecordPuts(this.#records, this.#order, this.#next, PUTS_PER_COMMIT);
    this.#next += puts.ops;
    database.writeSync(
      (tx) => {
        for (let i = 0; i < puts.ops; i++) tx.put(family, puts.nextKey(), puts.value());
      },
      { durability: 'none' },
    );
  }

  /** Lets everything be synced and merged. */
  async empty(): Promise<void> {
    Atomics.store(this.#hold, 0, SYNCS_RUN);
    Atomics.notify(this.#hold, 0);
    await this.#store.finish();
  }
}

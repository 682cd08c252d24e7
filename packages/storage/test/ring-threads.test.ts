/**
 * Several producers and one consumer on real threads. The counters start just below the places
 * where signed and unsigned words wrap; the ring is small, so it is full most of the time. Every
 * word of every record and the order are checked by the consumer.
 */
import { describe, expect, it } from 'vitest';
import {
  KIB,
  LOG_PREPARED_SEGMENT,
  LOG_WRITING_SEGMENT,
  MIB,
  PROGRESS_APPENDED,
  RING_CLAIMED,
  attachShared,
  createSharedBuffers,
  lockAppend,
  startRingAt,
  storeWide,
  unlockAppend,
} from '@manifold-db/storage';
import { runThreads } from './threads/run-threads.js';

const PRODUCERS = [4, 5, 6];
const TRANSACTIONS = 12_000;

function smallRing() {
  const buffers = createSharedBuffers({
    pageBytes: 4 * KIB,
    cacheBytes: 64 * KIB,
    walRingBytes: 64 * KIB,
    walSegmentBytes: MIB,
    walBytesMax: 64 * MIB,
    pendingCommitsMax: 64,
    applyWorkers: 1,
    writeBufferBytes: 0,
    writeBufferCount: 0,
  });
  const shared = attachShared(buffers);
  shared.logSpace[LOG_WRITING_SEGMENT] = 1;
  shared.logSpace[LOG_PREPARED_SEGMENT] = 1000;
  return { buffers, shared };
}

describe('WAL ring on threads', () => {
  it.each([
    ['2^31', 2 ** 31],
    ['2^32', 2 ** 32],
  ])('carries three producers past %s', async (_name, edge) => {
    const { buffers, shared } = smallRing();
    const total = PRODUCERS.length * TRANSACTIONS;
    const firstSequence = edge - total / 2;
    const firstRecord = edge - total / 2;
    startRingAt(shared, firstRecord, edge - 200_000);
    storeWide(shared.progress, PROGRESS_APPENDED, firstSequence);
    const lastSequence = firstSequence + total;
    const results = await runThreads([
      {
        file: 'ring-consumer.mjs',
        data: { buffers, producers: PRODUCERS, firstSequence, lastSequence },
      },
      ...PRODUCERS.map((thread) => ({
        file: 'ring-producer.mjs',
        data: { buffers, thread, transactions: TRANSACTIONS },
      })),
    ]);
    const [consumed, ...produced] = results as [
      { checkedRecords: number; hasClaimed: boolean },
      ...{ fullCount: number }[],
    ];
    expect(consumed.hasClaimed).toBe(false);
    expect(consumed.checkedRecords).toBeGreaterThan(total);
    expect(shared.ringControl[RING_CLAIMED]).toBe((firstRecord + consumed.checkedRecords) | 0);
    // The ring was full at times, or the test would not test much.
    const fullCount = produced.reduce((sum, result) => sum + result.fullCount, 0);
    expect(fullCount).toBeGreaterThan(0);
  });
});

describe('the append lock on threads', () => {
  it('is waited for as long as its holder lives: a large transaction takes its time', async () => {
    const { buffers, shared } = smallRing();
    const hasStarted = new Int32Array(new SharedArrayBuffer(4));
    lockAppend(shared);
    // Longer than the time after which a waiter asks whether the database has failed.
    const data = { buffers, afterMs: 1500, hasStarted };
    const unlocking = runThreads([{ file: 'append-unlocker.mjs', data }]);
    await Atomics.waitAsync(hasStarted, 0, 0).value;
    const start = performance.now();
    lockAppend(shared);
    expect(performance.now() - start).toBeGreaterThan(1000);
    unlockAppend(shared);
    expect(await unlocking).toEqual(['done']);
  });
});

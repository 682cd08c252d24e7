/**
 * One producer and three readers of the pending queue on real threads. Positions, counters and
 * sequences start just below the places where signed and unsigned words wrap; some commits are
 * larger than the whole queue. Every reader checks the order and every word.
 */
import { describe, expect, it } from 'vitest';
import {
  PROGRESS_SYNCED,
  QUEUE_ENTRIES,
  QUEUE_HEAD,
  attachShared,
  createSharedBuffers,
  startQueueAt,
  storeWide,
} from '@manifold-db/storage';
import { TEST_SIZES } from '../src/ring/test-shared.js';
import { runThreads } from './threads/run-threads.js';

const READERS = 3;
const COMMITS = 2_000;

describe('pending queue on threads', () => {
  it.each([
    ['2^31', 2 ** 31],
    ['2^32', 2 ** 32],
  ])('brings every commit to three readers past %s', async (_name, edge) => {
    const buffers = createSharedBuffers({ ...TEST_SIZES, applyWorkers: READERS });
    const shared = attachShared(buffers);
    const firstSequence = edge - COMMITS / 2;
    const firstPosition = edge - 500_003;
    startQueueAt(shared, firstPosition, edge - COMMITS / 2);
    storeWide(shared.progress, PROGRESS_SYNCED, firstSequence - 1);
    const data = { buffers, firstSequence, commits: COMMITS };
    const results = await runThreads([
      { file: 'queue-producer.mjs', data },
      ...Array.from({ length: READERS }, (_, worker) => ({
        file: 'queue-reader.mjs',
        data: { ...data, worker },
      })),
    ]);
    const [produced, ...read] = results as [{ waits: number }, ...{ fragments: number }[]];
    // The queue was full at times, positions passed the edge, and commits came in fragments.
    expect(produced.waits).toBeGreaterThan(0);
    const pushed = (shared.queueControl[QUEUE_HEAD]! - firstPosition) >>> 0;
    expect(pushed).toBeGreaterThan(500_003);
    expect(shared.queueControl[QUEUE_ENTRIES]).toBe((edge + COMMITS / 2) | 0);
    for (const { fragments } of read) expect(fragments).toBeGreaterThan(COMMITS + 10);
  });
});

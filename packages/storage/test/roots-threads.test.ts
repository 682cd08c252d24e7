/**
 * One applier publishes root sets as fast as it can, two threads read them: no copy is ever a
 * mixture of two sets, and none is older than the one before.
 */
import { describe, expect, it } from 'vitest';
import {
  ROOTS_SLOTS,
  attachShared,
  createSharedBuffers,
  publishRootSet,
  ROOTS_STAGED,
} from '@manifold-db/storage';
import { TEST_SIZES } from '../src/ring/test-shared.js';
import { runThreads } from './threads/run-threads.js';

const SLOTS = 5;
const READERS = 2;
const SETS_MIN = 2_000;
/** Changes that every reader sees, or the test would not test much. */
const CHANGES_MIN = 200;

describe('root sets on threads', () => {
  it.each([
    ['2^31', 2 ** 31],
    ['2^32', 2 ** 32],
  ])('are read whole while sequences pass %s', async (_name, edge) => {
    const buffers = createSharedBuffers(TEST_SIZES);
    const shared = attachShared(buffers);
    shared.roots[ROOTS_SLOTS] = SLOTS;
    const firstSequence = edge - SETS_MIN / 2;
    publishRootSet(shared, ROOTS_STAGED, firstSequence - 1, 0);
    // One counter per reader, and the word that ends the test.
    const seen = new Int32Array(new SharedArrayBuffer((READERS + 1) * 4));
    const data = { buffers, firstSequence, slots: SLOTS, seen, readers: READERS };
    const [published] = await runThreads([
      { file: 'root-publisher.mjs', data: { ...data, setsMin: SETS_MIN, changesMin: CHANGES_MIN } },
      ...[0, 1].map((reader) => ({ file: 'root-reader.mjs', data: { ...data, reader } })),
    ]);
    expect((published as { sets: number }).sets).toBeGreaterThanOrEqual(SETS_MIN);
  });
});

/**
 * The failure word on real threads: whoever sees the failure also learns what went wrong, though
 * the thread that failed stores the code first and may lose the processor before its text is there.
 * The kills of worker threads once met a failure without a text on a busy machine.
 */
import { expect, it } from 'vitest';
import {
  FAILURE_SYNC,
  PROGRESS_FAILURE,
  attachShared,
  createSharedBuffers,
  hasFailed,
  readFailure,
} from '@manifold-db/storage';
import { TEST_SIZES } from '../src/ring/test-shared.js';
import { runThreads } from './threads/run-threads.js';

it('a failure is read with its text, however late the thread stores it', async () => {
  const buffers = createSharedBuffers(TEST_SIZES);
  const shared = attachShared(buffers);
  const text = 'an apply worker failed: the disk is gone';
  const failer = runThreads([{ file: 'slow-failer.mjs', data: { buffers, text, heldUpMs: 50 } }]);
  while (!hasFailed(shared)) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(readFailure(shared)?.text).toBe(text);
  await failer;
});

it('a thread that dies before its text is there leaves a failure that says so', () => {
  const shared = attachShared(createSharedBuffers(TEST_SIZES));
  Atomics.store(shared.progress, PROGRESS_FAILURE, FAILURE_SYNC);
  for (let look = 0; look < 3; look++) {
    expect(readFailure(shared)).toEqual({
      code: FAILURE_SYNC,
      text: 'the thread that failed ended before it said why',
    });
  }
});

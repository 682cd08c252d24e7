/** Shared regions of a small database, for tests. */
import { KIB, MIB } from '../limits.js';
import { LOG_PREPARED_SEGMENT, LOG_WRITING_SEGMENT } from '../layout/log-space.js';
import { attachShared, createSharedBuffers, type Shared, type SharedSizes } from '../shared.js';

export const TEST_SIZES: SharedSizes = {
  pageBytes: 4 * KIB,
  cacheBytes: 64 * KIB,
  walRingBytes: 64 * KIB,
  walSegmentBytes: MIB,
  walBytesMax: 8 * MIB,
  pendingCommitsMax: 64,
  applyWorkers: 1,
  writeBufferBytes: 0,
  writeBufferCount: 0,
};

/** With segment 1 being written and plenty prepared behind it. */
export function testShared(sizes: Partial<SharedSizes> = {}): Shared {
  const shared = attachShared(createSharedBuffers({ ...TEST_SIZES, ...sizes }));
  shared.logSpace[LOG_WRITING_SEGMENT] = 1;
  shared.logSpace[LOG_PREPARED_SEGMENT] = 1000;
  return shared;
}

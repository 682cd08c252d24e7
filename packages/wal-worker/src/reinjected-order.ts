/**
 * A bug of the original (B2), put back by tests: a number was taken in one critical section and its
 * bytes were written in another, so that the order in the file was not that of the numbers.
 * Threads: the fsync worker.
 */
import {
  BLOCK_HEADER_BYTES,
  TEST_SWITCH_OUT_OF_ORDER,
  isTestSwitchOn,
  readRecordBytes,
  type RingConsumer,
  type Shared,
} from '@manifold-db/storage';
import type { BlockStamp, SegmentWriter } from './segment-writer.js';

/** Writes the first transaction of the batch behind the others; false when it did nothing. */
export function writeOutOfOrder(
  shared: Shared,
  segment: SegmentWriter,
  { byteOffset, bytes, records, firstSequence, lastSequence }: RingConsumer,
  stamp: BlockStamp,
): boolean {
  if (!isTestSwitchOn(shared, TEST_SWITCH_OUT_OF_ORDER)) return false;
  const isOfWholes = lastSequence - firstSequence + 1 === records;
  const hasRoom = bytes + BLOCK_HEADER_BYTES <= segment.payloadBytesMax();
  if (records < 2 || !isOfWholes || !hasRoom) return false;
  const batch = shared.ringBytes.subarray(byteOffset, byteOffset + bytes);
  const firstBytes = readRecordBytes(batch, 0);
  const rest = batch.subarray(firstBytes);
  segment.writeData(rest, records - 1, firstSequence + 1, lastSequence, stamp);
  segment.writeData(batch.subarray(0, firstBytes), 1, firstSequence, firstSequence, stamp);
  return true;
}

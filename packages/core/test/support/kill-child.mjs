/**
 * The process that `crash-kill.test.ts` kills: writes without end, prints every commit once it is
 * acknowledged. Arguments: directory, mode, number of the first commit.
 */
import { writeSync } from 'node:fs';
import { open } from '@manifold-db/core';

const IN_FLIGHT = 8;
const [directory, mode, first] = process.argv.slice(2);
const db = await open(directory, {
  mode,
  cacheBytes: 2 * 1024 * 1024,
  walRingBytes: 1024 * 1024,
  walSegmentBytes: 3 * 1024 * 1024,
  walBytesMax: 12 * 1024 * 1024,
  checkpointIntervalMs: 20,
});
const left = db.columnFamily('left');
const right = db.columnFamily('right');

async function commitFor(start) {
  for (let i = start; ; i += IN_FLIGHT) {
    const key = `key-${i}`;
    // Both families or none; the value grows now and then, so that segments fill.
    const value = `value-${i}`.padEnd(i % 50 === 0 ? 100_000 : 200, '.');
    await db.write((tx) => {
      tx.put(left, key, value);
      tx.put(right, key, value);
      if (i % 7 === 0) tx.delete(left, `key-${i - 7 * IN_FLIGHT}`);
    });
    // One system call: the line is out before anything else can happen.
    writeSync(1, `${i}\n`);
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => commitFor(Number(first) + i)));

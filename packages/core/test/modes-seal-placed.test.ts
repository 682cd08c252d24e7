/**
 * A commit has found its place in the active generation of the write buffer and waits for room in
 * the log ring. Sealing that generation meanwhile must not take the place away: found by the
 * simulation, as a `TypeError` out of the poll that appended the commit.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { expect, it } from 'vitest';
import { openSimulation } from './support/simulator.js';

const RING_BYTES = 1024 * 1024;

it('a generation is sealed while a commit waits for the ring with its place in it', async () => {
  const open = { mode: 'buffered', writeBufferBytes: 4 * RING_BYTES } as const;
  const { database, host } = await openSimulation(new SimulatedDisk(), 1, open);
  await host.run(database.put('the log is ready', ''));
  const value = 'x'.repeat(RING_BYTES * 0.4);
  // Nobody empties the ring meanwhile: the third one finds no room.
  const commits = ['a', 'b', 'c'].map((key) => database.put(key, value));
  expect(database.lastCommitted).toBe(3);
  const applied = database.waitForApply();
  await host.run(Promise.all(commits));
  await host.run(applied);
  expect(database.lastCommitted).toBe(4);
  expect(['a', 'b', 'c'].every((key) => database.get(key) === value)).toBe(true);
  await host.run(database.close());
});

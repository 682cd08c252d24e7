/**
 * Seeds of the simulation that have found something, and what: each runs through now.
 */
import { expect, it } from 'vitest';
import { runSeed } from './support/simulation/run-seed.js';

const SEEDS: readonly (readonly [seed: number, found: string])[] = [
  // The tests': refusals in the step of the crash were not heard.
  [20262810, 'a callback that gives up while a blocked call runs what waits, and the power fails'],
  [20263078, 'the same, and the log has the commits behind it'],
  // The engine's: only two checkpoints were waited for, which came before the sync.
  [20451796, 'a blocked call whose turn brings a build that blocks for frames sleeps for nothing'],
  [20440344, 'the disk full for long, and the one commit that may be pending waits for a merge'],
  [20264745, 'a family named as another transaction creates it, which is given up'],
  [20263408, 'a family that another transaction is creating passes for one that was there before'],
  [20263193, 'a family dropped in the log that was replayed, read as the checkpoint has it'],
  [30001588, 'mode async-wal, the cache full of commits that the fsync worker has not synced yet'],
];

it.each(SEEDS)('%i: %s', async (seed) => {
  expect((await runSeed(seed)).problems).toEqual([]);
});

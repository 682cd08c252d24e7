import { expect, it } from 'vitest';
import { TEST_SWITCH_REUSE_EARLY } from '@manifold-db/storage';
import { collectCrashes, crashProblems, dropUnsynced, type TakeStates } from '../../core/test/support/crash-states.js';
const atDataFile: TakeStates = (disk, place, ack) => place.includes('data.manifold') ? dropUnsynced(disk, place, ack) : [];
it.each([1,2,3])('x %i', async (seed) => {
  for (const options of [{commits: 100, checkpointEvery: 10}, {commits:100, checkpointEvery: 30}, {commits:60, checkpointEvery: 20, waitsForCheckpoints: true}]) {
  try {
    const { run, crashes } = await collectCrashes(atDataFile, { seed, bugs: TEST_SWITCH_REUSE_EARLY, ...options });
    const p = await crashProblems(run, crashes, 1);
    console.log(seed, JSON.stringify(options), crashes.length, String(p[0]).slice(0, 200));
  } catch (e) { console.log(seed, JSON.stringify(options), 'threw', String(e)); }
  }
  expect(1).toBe(1);
}, 100000);

/**
 * Power loss at every boundary. While 200 mixed commits with checkpoints run, the disk as it would
 * look after a power cut is taken before every single operation on it, once without any unsynced
 * byte, and opened later. `kill -9` tests cannot see what these see: the kernel keeps what a dead
 * process wrote, a disk without power does not (TRAPS B7).
 *
 * MANIFOLD_SEED reproduces a run; the seed stands in every failure.
 */
import { describe, expect } from 'vitest';
import { collectCrashes, crashProblems, dropEach, dropUnsynced } from './support/crash-states.js';
import { randomFrom } from './support/simulator.js';
import { inBuildModes, inModes } from './support/modes.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261122);
const COMMITS = 200;
const LIMIT_MS = 300_000;

describe(`power loss, seed ${SEED}`, () => {
  inModes('at every boundary, unsynced bytes dropped', { timeout: LIMIT_MS }, async (mode) => {
    const options = { mode, commits: COMMITS, seed: SEED };
    const { run, crashes, boundaries } = await collectCrashes(dropUnsynced, options);
    expect(boundaries).toBeGreaterThan(COMMITS);
    expect(await crashProblems(run, crashes)).toEqual([]);
  });

  inBuildModes(
    'at every boundary, each unsynced write dropped alone',
    { timeout: LIMIT_MS },
    async () => {
      const { run, crashes } = await collectCrashes(dropEach, { commits: COMMITS, seed: SEED + 1 });
      expect(crashes.length).toBeGreaterThan(COMMITS);
      expect(await crashProblems(run, crashes)).toEqual([]);
    },
  );

  inBuildModes(
    'anywhere, unsynced writes kept, dropped or torn',
    { timeout: LIMIT_MS },
    async () => {
      const random = randomFrom(SEED + 2);
      const { run, crashes } = await collectCrashes(
        (disk, place, acknowledged) => [{ disk: disk.crash({ random }), place, acknowledged }],
        { commits: COMMITS, seed: SEED + 2 },
      );
      expect(await crashProblems(run, crashes)).toEqual([]);
    },
  );
});

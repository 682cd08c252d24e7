/**
 * The order in which vitest starts test files: those that take longest first, so that the two
 * workers end at nearly the same time. Without a cache of earlier runs, as in CI, vitest goes by
 * the sizes of the files, which say little.
 */
import { BaseSequencer } from 'vitest/node';

/** From the longest on; all others take less, and follow in vitest's own order. */
export const LONGEST = [
  'packages/core/test/proof-crash-states.test.ts',
  'packages/core/test/proof-kills.test.ts',
  'packages/core/test/proof-model.test.ts',
  'packages/level/test/abstract-level-suite.test.ts',
  'packages/core/test/proof-simulation.test.ts',
  'packages/core/test/proof-endurance.test.ts',
  'packages/core/test/proof-fuzz.test.ts',
  'packages/core/test/proof-damage.test.ts',
  'packages/core/test/proof-isolation.test.ts',
  'packages/core/test/proof-mutants.test.ts',
  'bench/test/command.test.ts',
  'packages/core/test/modes-history.test.ts',
  'packages/core/test/proof-faults.test.ts',
  'packages/core/test/modes-switch.test.ts',
  'packages/core/test/recovery-after-kill.test.ts',
  'packages/core/test/api-backpressure.test.ts',
  'packages/core/test/api-modes.test.ts',
  'packages/cli/test/load-dump.test.ts',
  'packages/cli/test/trouble.test.ts',
  'packages/cli/test/entries.test.ts',
  'packages/core/test/recovery-crash.test.ts',
  'packages/core/test/fault-kernel-limits.test.ts',
  'packages/core/test/interleavings.test.ts',
];

function rankOf(path) {
  const at = LONGEST.findIndex((name) => path.endsWith(`/${name}`));
  return at < 0 ? LONGEST.length : at;
}

/** Files of equal rank keep their order. */
export function longestFirst(files, pathOf) {
  return files.toSorted((a, b) => rankOf(pathOf(a)) - rankOf(pathOf(b)));
}

export class LongestFirst extends BaseSequencer {
  async sort(files) {
    return longestFirst(await super.sort(files), ({ moduleId }) => moduleId);
  }
}

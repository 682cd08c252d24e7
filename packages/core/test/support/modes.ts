/**
 * The commit modes that the tests run in. A scenario that holds in every mode takes its list from
 * here, so that a mode is added to all of them in one place.
 *
 * Invariant: one test runs at a time in a process (vitest's default), so that what `openSmall` and
 * `openSimulation` take from here is the mode of the running test.
 */
import type { CommitMode, OpenOptions } from '@manifold-db/core';
import { it, type TestOptions } from 'vitest';

export const MODES: readonly CommitMode[] = ['sequential', 'async-wal', 'pipelined', 'buffered'];

let running: CommitMode | undefined;

/** The mode in which the running test opens its databases unless it says otherwise. */
export function modeOfTest(): Pick<OpenOptions, 'mode'> {
  return running === undefined ? {} : { mode: running };
}

/** One mode for each way of building a commit: as page diffs, and as entries of a write buffer. */
export const BUILD_MODES = MODES.filter((mode) => mode === 'pipelined' || mode === 'buffered');

/** A row of modes in which each stands once before each other one, and before itself. */
export function tourOfModes(): CommitMode[] {
  const tour = MODES.flatMap((mode, at) => [
    mode,
    ...MODES.slice(at + 1).flatMap((later) => [mode, later]),
  ]);
  return [...tour, MODES[0]!];
}

type ModeTest = (mode: CommitMode) => unknown;
type TestRest = [ModeTest] | [TestOptions, ModeTest];

function inEach(modes: readonly CommitMode[], name: string, rest: TestRest): void {
  const [options, test] = rest.length === 1 ? [{}, rest[0]] : rest;
  for (const mode of modes) {
    it(`${name}, mode ${mode}`, options, async () => {
      running = mode;
      try {
        await test(mode);
      } finally {
        running = undefined;
      }
    });
  }
}

/** A test in every mode. */
export function inModes(name: string, ...rest: TestRest): void {
  inEach(MODES, name, rest);
}

/** A test of what does not depend on who syncs and applies, and when. */
export function inBuildModes(name: string, ...rest: TestRest): void {
  inEach(BUILD_MODES, name, rest);
}

/**
 * Branches that no test takes, and why. `npm run coverage` fails for a branch that is neither taken
 * nor listed here, and for an entry whose branch is taken or gone. A line is named by its text, so
 * that edits elsewhere in the file change nothing; `count` is how many of its branches are meant.
 *
 * `isChance`: real threads decide; the branch is taken in some runs.
 */
export const EXCEPTIONS = [
  {
    path: 'packages/wal-worker/src/wal-loop.ts',
    text: "if (this.consumer.hasPublished()) return 'worked';",
    isChance: true,
    reason: 'another thread publishes between two looks at the ring that are microseconds apart',
  },
  {
    path: 'packages/storage/src/pages/pager.ts',
    text: 'if (COSTLY_CHECKS) this.assertFound(frame, page, birth);',
    count: 1,
    reason: 'what the thread remembers of frames is tested with MANIFOLD_CHECKS=1, which adds this',
  },
];

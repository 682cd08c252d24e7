/**
 * The commit modes that the tests run in. A scenario that holds in every mode takes its list from
 * here, so that a mode is added to all of them in one place.
 */
import type { CommitMode } from '@manifold-db/core';

export const MODES = ['sequential', 'async-wal', 'pipelined', 'buffered'] as const satisfies CommitMode[];

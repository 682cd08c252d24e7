/**
 * What a mutant is: a bug that a switch puts back into the engine, and the check that must see it.
 * Test thread.
 */
import type { CommitMode } from '@manifold-db/core';
import { InvariantError, type Vfs } from '@manifold-db/storage';

/** One run of a check, of the engine as it is or with a bug in it. */
export interface Trial {
  readonly seed: number;
  readonly mode: CommitMode;
  /** TEST_SWITCH_* bits; 0 in the engine as it is. */
  readonly switches: number;
  /** The bug lies in how the engine uses the file system. */
  readonly wrap?: ((vfs: Vfs) => Vfs) | undefined;
}

export interface Check {
  /** As it stands in the table. */
  readonly name: string;
  /** The first problem that it finds, or `undefined`. */
  readonly run: (trial: Trial) => Promise<string | undefined>;
}

export interface Mutant {
  readonly name: string;
  readonly switches: number;
  readonly wrap?: (vfs: Vfs) => Vfs;
  readonly check: Check;
  /** What the check has to say of it: any other problem is not this bug. */
  readonly expected: RegExp;
  /** The bug cannot depend on how commits are built: one mode is enough. */
  readonly isOfOneMode?: true;
}

/** A broken invariant that the engine itself notices counts as caught, and so does a standstill. */
export async function problemOrBreak(
  look: () => Promise<string | undefined>,
): Promise<string | undefined> {
  try {
    return await look();
  } catch (error) {
    const isStuck = error instanceof Error && error.message.startsWith('the simulation is stuck');
    if (error instanceof InvariantError || isStuck) return `broken: ${(error as Error).message}`;
    throw error;
  }
}

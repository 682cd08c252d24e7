/** What a suite hands back. The rows of all suites are flat, so that one reader fits them all. */
import type { EngineName, Mode } from './arguments.js';
import type { Spread } from './figures.js';

export interface Report {
  /** Printed by `--json`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Printed otherwise. */
  readonly text: string;
}

/**
 * What an acknowledged write survives.
 * - `immediate`: a loss of power.
 * - `async`: the death of the process.
 * - `committed`: lmdb-js only, its plain promise: visible to readers, flushed some time later.
 */
export type Durability = 'immediate' | 'async' | 'committed';

/** What an engine says of itself once it is open. */
export interface EngineFacts {
  readonly version: string;
  /** In force, as the engine takes them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What an acknowledged write survives, and through what. */
  readonly inForce: string;
}

/** How every row begins. */
export interface RowHead extends EngineFacts {
  readonly engine: EngineName;
  /** The peers have one way only. */
  readonly mode: Mode | 'default';
  readonly durability: Durability;
  readonly rounds: number;
}

/** A peer that was asked for and is not there. */
export interface Skipped {
  readonly engine: EngineName;
  readonly why: string;
}

/** How far the first named is ahead of the other one; below 1 it is behind, also for times. */
export interface Ratio {
  readonly what: string;
  readonly figure: string;
  /** Of the medians. */
  readonly ratio: number;
  /** Round by round. */
  readonly rounds: Spread;
}

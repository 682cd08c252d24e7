/**
 * What the areas of the fuzzing proof have in common. An input is made from the seed, the name of
 * the area and its number alone, so that any one of them can be made again.
 */
import { ManifoldError } from '@manifold-db/storage';
import { randomFrom } from '../simulator.js';

export interface Fuzzer {
  /** Feeds one input; what is wrong with what happened, or `undefined`. */
  one(random: () => number): string | undefined | Promise<string | undefined>;
  /** At the very end. */
  close?(): Promise<string | undefined>;
}

export interface Area {
  readonly name: string;
  /** Inputs per round, so that areas get their shares whenever the run ends. */
  readonly perRound: number;
  make(seed: number): Promise<Fuzzer>;
}

const STEP = 0x9e3779b1;

/** The random numbers of one input. */
export function randomOf(seed: number, area: string, index: number): () => number {
  let mixed = seed | 0;
  for (const character of area) mixed = Math.imul(mixed ^ character.charCodeAt(0), STEP);
  return randomFrom(Math.imul(mixed ^ index, STEP) ^ (index >>> 16));
}

export function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

const DAMAGE_CODES = new Set(['ERR_MANIFOLD_CORRUPT', 'ERR_MANIFOLD_FORMAT']);

/** Damaged content is a ManifoldError, or nobody notices; everything else is a bug. */
export function decoderProblem(look: () => void): string | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    return untypedProblem(error);
  }
}

export function untypedProblem(error: unknown): string | undefined {
  if (error instanceof ManifoldError) {
    return DAMAGE_CODES.has(error.code) ? undefined : `${error.code}: ${error.message}`;
  }
  return error instanceof Error ? `untyped: ${error.stack}` : `thrown: ${String(error)}`;
}

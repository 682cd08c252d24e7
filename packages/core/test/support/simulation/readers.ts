/**
 * Snapshots and iterators that stay open while the life goes on, and comparisons of single views:
 * each shows exactly the state of its sequence, for as long as it is open.
 */
import type { Entries, ReadOptions, Snapshot } from '@manifold-db/core';
import { FAMILIES, KEYS, type Entry, type Family } from './model.js';
import type { World } from './world.js';

export interface Reader {
  /** Looks once more; false when it is through. */
  look(): boolean;
  close(): void;
}

/** The first difference, in a few words. */
export function difference(
  found: readonly Entry[],
  expected: readonly Entry[],
): string | undefined {
  for (let i = 0; i < Math.max(found.length, expected.length); i++) {
    const [foundKey, foundValue] = found[i] ?? ['nothing', ''];
    const [key, value] = expected[i] ?? ['nothing', ''];
    if (foundKey === key && foundValue === value) continue;
    return `${foundKey}=${foundValue.slice(0, 16)} instead of ${key}=${value.slice(0, 16)}`;
  }
  return undefined;
}

export function readFamily(world: World, family: Family, options?: ReadOptions): Entry[] {
  return [...world.families.get(family)!.entries(options)];
}

/** Compares a family in the version that the options name. */
export function compareFamily(
  world: World,
  family: Family,
  sequence: number,
  options?: ReadOptions,
): string | undefined {
  const found = world.answer(`scan of ${family}`, () => readFamily(world, family, options));
  if (found === undefined) return undefined;
  const problem = difference(found, world.model.entries(family, sequence));
  return problem === undefined ? undefined : `${family} at ${sequence}: ${problem}`;
}

export class SnapshotReader implements Reader {
  readonly #world: World;
  readonly #snapshot: Snapshot;

  constructor(world: World, snapshot: Snapshot) {
    this.#world = world;
    this.#snapshot = snapshot;
  }

  look(): boolean {
    const world = this.#world;
    const snapshot = this.#snapshot;
    const { sequence } = snapshot;
    const family = world.family();
    if (world.chance(0.3)) {
      const problem = compareFamily(world, family, sequence, { snapshot });
      if (problem !== undefined) world.problem(`snapshot: ${problem}`);
      return true;
    }
    const key = world.key();
    const handle = world.families.get(family)!;
    const found = world.answer('get', () => ({ value: handle.get(KEYS[key]!, { snapshot }) }));
    const expected = world.model.get(family, key, sequence);
    if (found !== undefined && found.value !== expected) {
      world.problem(`the snapshot of ${sequence} shows another ${family}/${KEYS[key]}`);
    }
    return true;
  }

  close(): void {
    this.#snapshot.close();
  }
}

/** Walks a range of a family a few entries at a time. */
export class WalkReader implements Reader {
  readonly #world: World;
  readonly #entries: Entries<[string, string], string>;
  readonly #expected: readonly Entry[];
  readonly #name: string;
  #at = 0;

  constructor(
    world: World,
    name: string,
    entries: Entries<[string, string], string>,
    expected: readonly Entry[],
  ) {
    this.#world = world;
    this.#name = name;
    this.#entries = entries;
    this.#expected = expected;
  }

  look(): boolean {
    const world = this.#world;
    for (let count = world.whole(1, 8); count > 0; count--) {
      const step = world.answer('next', () => this.#entries.next());
      if (step === undefined) return false;
      const expected = this.#expected[this.#at++];
      const isDone = step.done === true;
      if (isDone && expected === undefined) return false;
      const [key, value] = isDone ? ['its end', ''] : step.value;
      if (key === expected?.[0] && value === expected[1]) continue;
      const place = `as entry ${this.#at} of ${this.#expected.length}`;
      const wanted = expected?.[0] ?? 'its end';
      world.problem(`${this.#name} gives ${key} instead of ${wanted} ${place}`);
      return false;
    }
    return true;
  }

  close(): void {
    this.#entries.close();
  }
}

/**
 * The views other than the newest. With a write buffer a walk over what is synced may wait for a
 * sync, and then shows it.
 */
export function compareView(world: World, consistency: 'synced' | 'applied'): void {
  const { database, model, plan } = world;
  const watermark = (): number =>
    consistency === 'synced' ? database.lastSynced : database.lastApplied;
  const family = world.family();
  const before = watermark();
  const found = world.answer('view', () => readFamily(world, family, { consistency }));
  if (found === undefined) return;
  const last = plan.mode === 'buffered' ? database.lastCommitted : before;
  let problem: string | undefined;
  for (let sequence = before; sequence <= last; sequence++) {
    problem = difference(found, model.entries(family, sequence));
    if (problem === undefined) return;
  }
  world.problem(`the view '${consistency}' of ${family} does not show ${before}: ${problem}`);
}

/** Everything, against the newest state that reads may show. */
export function compareAll(world: World, sequence: number): void {
  for (const family of FAMILIES) world.problem(compareFamily(world, family, sequence));
}

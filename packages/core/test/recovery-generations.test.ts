/**
 * One database through many lives: each writes for a while, ends in a crash at some operation
 * (power loss with a random part of the unsynced bytes, or a kill, or both at once), and the next
 * one goes on with what was recovered. What only shows later shows here: births or page numbers
 * given out twice, a cut log that comes back, pages leaked or freed wrongly by a recovery.
 *
 * MANIFOLD_SEED runs one seed alone; the seed stands in every failure.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import type { OpenOptions, WriteTransaction } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { MODES } from './support/modes.js';
import { openSimulation, randomFrom, type Simulation } from './support/simulator.js';

const GIVEN = process.env['MANIFOLD_SEED'];
const LIMIT_MS = 60_000;
const LIVES = 10;
const COMMITS_MAX = 40;
const IN_FLIGHT = 5;
const KEYS = 60;
const FAMILIES = ['default', 'other'];

type Random = () => number;
/** `family/key` to value. */
type Content = Map<string, string>;

function contentOf({ database }: Simulation): Content {
  const content: Content = new Map();
  for (const family of FAMILIES) {
    for (const [key, value] of database.columnFamily(family).entries()) {
      content.set(`${family}/${key}`, value);
    }
  }
  return content;
}

function isSame(a: Content, b: Content): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** One life: what every commit left behind, by sequence, and how far it was acknowledged. */
class Life {
  readonly states = new Map<number, Content>();
  acknowledged: number;
  readonly #simulation: Simulation;
  readonly #random: Random;
  #content: Content;

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation;
    this.#random = random;
    this.#content = contentOf(simulation);
    this.acknowledged = simulation.database.lastCommitted;
    this.states.set(this.acknowledged, this.#content);
  }

  /** Writes until `isOver`. */
  async write(isOver: () => boolean): Promise<void> {
    const { database, host } = this.#simulation;
    const pending = new Set<Promise<void>>();
    let next = database.lastCommitted + 1;
    for (let i = 0; i < COMMITS_MAX && !isOver(); i++) {
      const commit = this.#commit(next++).then((sequence) => {
        this.acknowledged = Math.max(this.acknowledged, sequence);
      });
      pending.add(commit);
      void commit.then(() => pending.delete(commit));
      for (let steps = this.#random() * 6; steps > 0; steps--) host.stepOne();
      if (this.#random() < 0.07) void database.checkpoint();
      while (pending.size >= IN_FLIGHT) await host.run(Promise.race(pending));
    }
    await host.run(Promise.all(pending));
  }

  async #commit(sequence: number): Promise<number> {
    const { database } = this.#simulation;
    const content = new Map(this.#content);
    this.#content = content;
    this.states.set(sequence, content);
    // Drawn before the call: the callback runs when the commit is admitted, later perhaps.
    const steps: ((tx: WriteTransaction) => void)[] = [];
    for (let count = 1 + Math.floor(this.#random() * 6); count > 0; count--) {
      const name = FAMILIES[Math.floor(this.#random() * FAMILIES.length)]!;
      const family = database.columnFamily(name);
      const key = `key-${Math.floor(this.#random() * KEYS)}`;
      if (count > 1 && this.#random() < 0.4) {
        steps.push((tx) => tx.delete(family, key));
        content.delete(`${name}/${key}`);
      } else {
        const large = this.#random() < 0.05 ? 30_000 : 0;
        const value = `${sequence}-`.padEnd(large + this.#random() * 400, '.');
        steps.push((tx) => tx.put(family, key, value));
        content.set(`${name}/${key}`, value);
      }
    }
    const commit = await database.write((tx) => {
      for (const step of steps) step(tx);
    });
    return commit.sequence;
  }
}

/** The disk as the end of a life leaves it. */
function crash(disk: SimulatedDisk, random: Random): SimulatedDisk {
  const dice = random();
  if (dice < 0.25) return disk.snapshot();
  if (dice < 0.5) return disk.crash({ keep: 'none' });
  return disk.crash({ random });
}

async function liveOn(disk: SimulatedDisk, seed: number, open: OpenOptions, random: Random) {
  const mode = MODES[Math.floor(random() * MODES.length)]!;
  const simulation = await openSimulation(disk, seed, { mode, ...open });
  const life = new Life(simulation, random);
  const end = disk.operationCount + Math.floor(random() * 150);
  let left: { disk: SimulatedDisk; acknowledged: number } | undefined;
  disk.onOperation = (index) => {
    if (index < end || left !== undefined) return;
    left = { disk: crash(disk, random), acknowledged: life.acknowledged };
  };
  await life.write(() => left !== undefined);
  disk.onOperation = undefined;
  left ??= { disk: crash(disk, random), acknowledged: life.acknowledged };
  return { life, left };
}

async function runSeed(seed: number, open: OpenOptions): Promise<void> {
  const random = randomFrom(seed);
  let disk = new SimulatedDisk();
  for (let number = 1; number <= LIVES; number++) {
    const { life, left } = await liveOn(disk, seed * LIVES + number, open, random);
    disk = left.disk;
    const found = await openSimulation(disk.snapshot(), seed, open);
    const place = `life ${number}, seed ${seed}`;
    const last = found.database.lastCommitted;
    if (found.database.stats().recovery.created) {
      // Cut off before the first commit was acknowledged.
      expect(left.acknowledged, place).toBe(0);
      continue;
    }
    expect(last, `${place}: an acknowledged commit is lost`).toBeGreaterThanOrEqual(
      left.acknowledged,
    );
    const expected = life.states.get(last);
    expect(expected, `${place}: commit ${last} was never made`).toBeDefined();
    expect(isSame(contentOf(found), expected!), `${place}: content of ${last}`).toBe(true);
    // A checkpoint, with the check that exactly the pages of the trees are in use.
    await found.host.run(found.database.close());
  }
}

const SETTINGS: { name: string; open: OpenOptions; first: number }[] = [
  { name: 'small', open: {}, first: 1 },
  { name: 'the smallest cache', open: { cacheBytes: 1024 * 1024 }, first: 100 },
  { name: 'two apply workers', open: { workers: { apply: 2 } }, first: 200 },
  { name: 'checkpoints all the time', open: { checkpointIntervalMs: 1 }, first: 300 },
];
const SEEDS = 4;

describe('many lives', () => {
  it.each(SETTINGS)('$name', { timeout: LIMIT_MS }, async ({ open, first }) => {
    const seeds =
      GIVEN === undefined ? Array.from({ length: SEEDS }, (_, i) => first + i) : [Number(GIVEN)];
    for (const seed of seeds) await runSeed(seed, open);
  });
});

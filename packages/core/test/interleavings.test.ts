/**
 * Many orders of the steps of all loops, drawn from a seed, while snapshots and iterators stay open
 * across checkpoints, page reuse, spills, dropped families. Each shows the state of its sequence
 * for as long as it is open; the synced view never shows what a power cut would take; the applied
 * view is the published root set. The costly checks of the engine (order of progress, pages reached
 * by a checkpoint) run as well.
 *
 * A failure names the seed; MANIFOLD_SEED runs that one alone.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import type { CommitMode, Entries, OpenOptions, Snapshot } from '@manifold-db/core';
import { describe, expect, it } from 'vitest';
import { readState, runHistory, type HistoryRun, type ModelState } from './support/history.js';
import { BUILD_MODES } from './support/modes.js';
import { READ_ONLY, openSimulation, randomFrom, type Simulation } from './support/simulator.js';

const GIVEN = process.env['MANIFOLD_SEED'];
const LIMIT_MS = 60_000;
const OPEN_MAX = 6;
const MIB = 1024 * 1024;

/** A reader that stays open while the history goes on. */
interface Reader {
  /** What is wrong with it now, and whether it is through. */
  look(): { problem?: string; isOver: boolean };
  close(): void;
}

class SnapshotReader implements Reader {
  readonly #simulation: Simulation;
  readonly #snapshot: Snapshot;
  readonly #expected: ModelState;

  constructor(simulation: Simulation, expected: ModelState) {
    this.#simulation = simulation;
    this.#snapshot = simulation.database.snapshot();
    this.#expected = expected;
  }

  look() {
    const state = readState(this.#simulation.database, { snapshot: this.#snapshot });
    if (state.join() === this.#expected.join()) return { isOver: false };
    return { isOver: true, problem: `the snapshot of ${this.#snapshot.sequence} changed` };
  }

  close(): void {
    this.#snapshot.close();
  }
}

/** Walks a family a few entries at a time. */
class WalkReader implements Reader {
  readonly #entries: Entries<[string, string]>;
  readonly #expected: string[];
  readonly #pick: (count: number) => number;
  #at = 0;

  constructor({ database }: Simulation, expected: ModelState, pick: (count: number) => number) {
    this.#pick = pick;
    const reverse = pick(2) === 0;
    this.#entries = database.entries({ reverse });
    const own = expected.filter((line) => line.startsWith('default/'));
    this.#expected = own.map((line) => line.slice('default/'.length, line.indexOf('=')));
    if (reverse) this.#expected.reverse();
  }

  look() {
    for (let count = 1 + this.#pick(12); count > 0; count--) {
      const { value, done } = this.#entries.next();
      const key = this.#expected[this.#at++];
      if (done === true) {
        return key === undefined
          ? { isOver: true }
          : { isOver: true, problem: `the walk ends before ${key}` };
      }
      if (value[0] !== key) {
        return { isOver: true, problem: `the walk gives ${value[0]} instead of ${key}` };
      }
    }
    return { isOver: false };
  }

  close(): void {
    this.#entries.close();
  }
}

/** Views other than the newest, at this moment. */
function viewProblem({ database }: Simulation, run: HistoryRun, mode: CommitMode) {
  const { lastSynced, lastApplied, lastCommitted } = database;
  if (lastSynced > lastCommitted) return `synced ${lastSynced} is above ${lastCommitted}`;
  if (run.acknowledged > lastSynced) return `acknowledged ${run.acknowledged} before its sync`;
  if (mode !== 'async-wal' && lastApplied > lastSynced) return `applied ${lastApplied} unsynced`;
  const views = { synced: lastSynced, applied: lastApplied, latest: lastCommitted };
  for (const [name, sequence] of Object.entries(views)) {
    const consistency = name as keyof typeof views;
    const found = readState(database, { consistency });
    if (found.join() !== run.states[sequence]!.join()) {
      return `the view ${name} does not show ${sequence}`;
    }
  }
  return undefined;
}

async function runSeed(seed: number, mode: CommitMode, open: OpenOptions): Promise<string[]> {
  const random = randomFrom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const simulation = await openSimulation(new SimulatedDisk(), seed, { mode, ...open });
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const readers: Reader[] = [];
  const problems: string[] = [];
  const note = (commit: number, problem: string | undefined) => {
    if (problem !== undefined) problems.push(`seed ${seed}, ${mode}, commit ${commit}: ${problem}`);
  };
  const between = (commit: number) => {
    // A commit that waits for admission is not there yet.
    const newest = run.states[simulation.database.lastCommitted]!;
    if (readers.length < OPEN_MAX && random() < 0.3) {
      const isWalk = random() < 0.5;
      readers.push(
        isWalk ? new WalkReader(simulation, newest, pick) : new SnapshotReader(simulation, newest),
      );
    }
    if (random() < 0.2) note(commit, viewProblem(simulation, run, mode));
    if (readers.length === 0 || random() < 0.5) return;
    const at = pick(readers.length);
    const { problem, isOver } = readers[at]!.look();
    note(commit, problem);
    if (isOver || random() < 0.15) readers.splice(at, 1)[0]!.close();
  };
  const options = { seed, commits: 120, checkpointEvery: 9, largeBytes: 60_000, between };
  await runHistory(simulation, options, run);
  for (const reader of readers) {
    note(options.commits, reader.look().problem);
    reader.close();
  }
  note(options.commits, viewProblem(simulation, run, mode));
  await simulation.host.run(simulation.database.close());
  const again = await openSimulation(simulation.disk.crash({ keep: 'none' }), seed, READ_ONLY);
  const last = run.states[run.states.length - 1]!;
  if (readState(again.database).join() !== last.join()) note(options.commits, 'lost at closing');
  return problems;
}

function seedsFrom(first: number, count: number): number[] {
  if (GIVEN !== undefined) return [Number(GIVEN)];
  return Array.from({ length: count }, (_, i) => first + i);
}

interface Setting {
  readonly name: string;
  readonly mode: CommitMode;
  readonly open: OpenOptions;
  readonly seeds: number[];
}

/** What an apply worker does, in every mode that leaves it to one. */
function settingsOf(mode: CommitMode): Setting[] {
  const small = { cacheBytes: MIB, writeBufferBytes: MIB, checkpointIntervalMs: 1 };
  return [
    { name: mode, mode, open: {}, seeds: seedsFrom(100, 8) },
    {
      name: `${mode}, the smallest cache, checkpoints all the time`,
      mode,
      open: small,
      seeds: seedsFrom(200, 5),
    },
    {
      name: `${mode}, 3 apply workers`,
      mode,
      open: { workers: { apply: 3 } },
      seeds: seedsFrom(300, 5),
    },
  ];
}

const SETTINGS: Setting[] = [
  ...BUILD_MODES.flatMap(settingsOf),
  { name: 'async-wal', mode: 'async-wal', open: {}, seeds: seedsFrom(400, 4) },
  { name: 'sequential', mode: 'sequential', open: {}, seeds: seedsFrom(500, 3) },
];

describe('snapshots, iterators and views', () => {
  it.each(SETTINGS)('$name', { timeout: LIMIT_MS }, async ({ mode, open, seeds }) => {
    const problems: string[] = [];
    for (const seed of seeds) problems.push(...(await runSeed(seed, mode, open)));
    expect(problems).toEqual([]);
  });
});

describe('a running checkpoint is a reader', () => {
  // Commit 5 makes page P, the checkpoint of 5 runs, 6 supersedes P, 7 takes its number: the
  // checkpoint must not write what 7 made of it.
  const cases = BUILD_MODES.flatMap((mode) => seedsFrom(600, 4).map((seed) => ({ mode, seed })));
  it.each(cases)('whose pages are not taken (mode $mode, seed $seed)', async ({ mode, seed }) => {
    const { disk, database, host } = await openSimulation(new SimulatedDisk(), seed, { mode });
    const random = randomFrom(seed);
    const crashes: { disk: SimulatedDisk; acknowledged: number; place: string }[] = [];
    let acknowledged = 0;
    disk.onOperation = (index, description) => {
      if (!description.includes('data.manifold') || !/sync/i.test(description)) return;
      const place = `operation ${index}: ${description}, seed ${seed}`;
      crashes.push({ disk: disk.crash({ keep: 'all' }), acknowledged, place });
      crashes.push({ disk: disk.crash({ keep: 'none' }), acknowledged, place });
    };
    const checkpoints: Promise<void>[] = [];
    for (let i = 1; i <= 90; i++) {
      // The same few pages again and again, so that freed numbers are taken at once.
      const commit = database.put('hot', String(i).padEnd(1500));
      if (i % 6 === 0) checkpoints.push(database.checkpoint());
      for (let steps = random() * 12; steps > 0; steps--) host.stepOne();
      ({ sequence: acknowledged } = await host.run(commit));
    }
    await host.run(Promise.all(checkpoints));
    expect(crashes.length).toBeGreaterThan(20);
    for (const { disk: left, acknowledged: least, place } of crashes) {
      const found = await openSimulation(left, seed, READ_ONLY);
      expect(found.database.lastCommitted, place).toBeGreaterThanOrEqual(least);
      const value = found.database.get('hot')?.trim();
      expect(value ?? '0', place).toBe(String(found.database.lastCommitted));
    }
  });
});

/**
 * First the process dies, then the machine. A killed process leaves bytes that only the kernel has:
 * the next process reads them as if they were durable. Whatever it builds on them (it acknowledges
 * commits, recycles log segments) must not be lost when the power fails later, so recovery has to
 * sync what it trusts.
 *
 * MANIFOLD_SEED reproduces a run; the seed stands in every failure.
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { describe, expect } from 'vitest';
import { runHistory, readState, type HistoryRun } from './support/history.js';
import { inBuildModes } from './support/modes.js';
import { READ_ONLY_LARGE, openSimulation, randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261123);
const COMMITS = 110;
/** Besides the boundaries on the data file and around segments, one of so many is looked at. */
const ORDINARY_SHARE = 7;
const ADDED = 3;
const LIMIT_MS = 120_000;

interface Killed {
  readonly disk: SimulatedDisk;
  readonly place: string;
  readonly acknowledged: number;
}

/** The disk as a dead process leaves it, before many operations of a history. */
async function killEverywhere(largeBytes: number): Promise<{ run: HistoryRun; kills: Killed[] }> {
  const disk = new SimulatedDisk();
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const kills: Killed[] = [];
  const simulation = await openSimulation(disk, SEED);
  disk.onOperation = (index, description) => {
    const isRepeated = index % 2 === 1 && /write .*data\.manifold/.test(description);
    const isSpecial = !isRepeated && /data\.manifold.*|rename|syncDirectory/.test(description);
    if (!isSpecial && index % ORDINARY_SHARE !== 0) return;
    const place = `operation ${index}: ${description}`;
    kills.push({ disk: disk.snapshot(), place, acknowledged: run.acknowledged });
  };
  const options = { commits: COMMITS, seed: SEED, checkpointEvery: 25, largeBytes };
  await runHistory(simulation, options, run);
  disk.onOperation = undefined;
  return { run, kills };
}

/** Reopens after the kill, commits a little, loses power, opens again. */
async function problemAfter({ disk, acknowledged }: Killed, run: HistoryRun, seed: number) {
  const { database, host } = await openSimulation(disk, seed);
  const recovered = database.lastCommitted;
  if (recovered < acknowledged) return `commit ${acknowledged} is lost by the kill alone`;
  const before = readState(database);
  if (before.join() !== run.states[recovered]!.join()) return `state of ${recovered} differs`;
  const random = randomFrom(seed);
  for (let i = 0; i < ADDED; i++) {
    await host.run(database.put(`added-${i}`, 'value'));
    if (i === 1 && random() < 0.3) await host.run(database.checkpoint());
    for (let steps = random() * 20; steps > 0; steps--) host.stepOne();
  }
  const expected = readState(database);
  const after = await openSimulation(disk.crash({ keep: 'none' }), seed, READ_ONLY_LARGE);
  const last = after.database.lastCommitted;
  if (last !== recovered + ADDED) return `${recovered + ADDED} were acknowledged, ${last} is left`;
  return readState(after.database).join() === expected.join() ? undefined : 'another state is left';
}

describe(`a kill, then power loss, seed ${SEED}`, () => {
  for (const largeBytes of [9000, 500_000]) {
    inBuildModes(
      `loses nothing acknowledged (values up to ${largeBytes})`,
      { timeout: LIMIT_MS },
      async () => {
        const { run, kills } = await killEverywhere(largeBytes);
        expect(kills.length).toBeGreaterThan(40);
        const problems: string[] = [];
        for (const [i, killed] of kills.entries()) {
          const problem = await problemAfter(killed, run, SEED + i).catch(String);
          if (problem !== undefined) problems.push(`before ${killed.place}: ${problem}`);
        }
        expect(problems).toEqual([]);
      },
    );
  }
});

/**
 * Opens the state of a disk after power loss and compares it with the model: everything that was
 * acknowledged is there, the rest whole or absent, in the order of the commits.
 */
import type { SimulatedDisk } from '@manifold-db/storage';
import type { HistoryRun } from './history.js';
import { readState } from './history.js';
import type { OpenOptions } from '@manifold-db/core';
import { openSimulation, SIMULATED_PATH, type SimulationEnvironment } from './simulator.js';

/** What is wrong with a crash state, or `undefined`. */
export async function crashProblem(
  disk: SimulatedDisk,
  run: HistoryRun,
  acknowledged: number,
  options: OpenOptions,
  environment: SimulationEnvironment = {},
): Promise<string | undefined> {
  const isThere = disk.vfs().exists(`${SIMULATED_PATH}/data.manifold`);
  if (!isThere) {
    return acknowledged === 0 ? undefined : `commit ${acknowledged} is lost with its database`;
  }
  try {
    const { database, host } = await openSimulation(disk, 1, options, environment);
    const problem = compare(database.lastCommitted, readState(database), run, acknowledged);
    await host.run(database.close());
    return problem;
  } catch (error) {
    return `does not open: ${String(error)}`;
  }
}

function compare(
  sequence: number,
  found: readonly string[],
  run: HistoryRun,
  acknowledged: number,
): string | undefined {
  if (sequence < acknowledged) return `commit ${acknowledged} is lost, ${sequence} is the last`;
  const expected = run.states[sequence];
  if (expected === undefined) return `there is no commit ${sequence}`;
  if (found.length === expected.length && found.every((line, i) => line === expected[i])) {
    return undefined;
  }
  const wrong = found.find((line, i) => line !== expected[i]) ?? expected[found.length];
  return `state of commit ${sequence} differs at ${wrong?.slice(0, 60)}`;
}

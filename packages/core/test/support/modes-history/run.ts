/**
 * Runs a history from its first command to its last, and what follows in every case.
 */
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitMode } from '@manifold-db/core';
import {
  finish,
  runCare,
  runCompare,
  runFamilies,
  runMisuse,
  runReopen,
  runStats,
} from './care-commands.js';
import type { Command, History } from './commands.js';
import {
  runBatch,
  runBulk,
  runPutIf,
  runSimple,
  runTransaction,
  runWrite,
} from './commit-commands.js';
import {
  closeSnapshots,
  runCount,
  runGetMany,
  runOpen,
  runPoint,
  runScan,
  runSnapshot,
  runWalk,
} from './read-commands.js';
import { World } from './world.js';

/** Commands between two comparisons of everything. */
const COMPARE_EVERY = 20;

async function runCommand(world: World, command: Command): Promise<void> {
  switch (command.do) {
    case 'put':
    case 'delete':
    case 'clear':
    case 'drop':
      return runSimple(world, command);
    case 'putIf':
      return runPutIf(world, command);
    case 'batch':
      return runBatch(world, command);
    case 'bulk':
      return runBulk(world, command);
    case 'write':
      return runWrite(world, command);
    case 'transaction':
      return runTransaction(world, command);
    case 'get':
    case 'has':
    case 'getAsync':
      return runPoint(world, command);
    case 'getMany':
      return runGetMany(world, command);
    case 'count':
      return runCount(world, command);
    case 'scan':
      return runScan(world, command);
    case 'snapshot':
      return runSnapshot(world, command);
    case 'closeSnapshot':
      return closeSnapshots(world, command.slot);
    case 'open':
      return runOpen(world, command);
    case 'step':
    case 'seek':
    case 'close':
      return runWalk(world, command);
    case 'checkpoint':
    case 'waitForSync':
    case 'waitForApply':
      return runCare(world, command);
    case 'misuse':
      return runMisuse(world, command);
    case 'families':
      return runFamilies(world);
    case 'stats':
      return runStats(world);
    case 'compare':
      return runCompare(world);
    case 'reopen':
      return runReopen(world, command);
  }
}

/** What runs went through, to see that histories reach what they are meant to reach. */
export interface RunFigures {
  commits: number;
  checkpoints: number;
  segmentsRecycled: number;
  /** Of sealed write buffers. */
  merges: number;
}

/** Prints every command before it runs, past all buffers: for histories that never return. */
const isTraced = process.env['MANIFOLD_HISTORY_TRACE'] === '1';

/** Throws what is wrong. */
export async function runHistory(
  history: History,
  modes: readonly CommitMode[],
  figures?: RunFigures,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'manifold-history-'));
  const world = new World(directory, modes, history);
  try {
    await world.open();
    for (const [index, command] of history.commands.entries()) {
      world.enter(index, command);
      if (isTraced) writeSync(2, `${index} ${JSON.stringify(command)}\n`);
      await runCommand(world, command);
      if (index % COMPARE_EVERY === COMPARE_EVERY - 1) await runCompare(world);
    }
    world.enter(history.commands.length, undefined);
    await finish(world);
    if (figures !== undefined) addFigures(world, figures);
  } finally {
    await world.abandon();
    rmSync(directory, { recursive: true, force: true });
  }
}

function addFigures({ engines, model }: World, figures: RunFigures): void {
  figures.commits += model.newest.sequence;
  for (const { checkpoints, segmentsRecycled, merges } of engines) {
    figures.checkpoints += checkpoints;
    figures.segmentsRecycled += segmentsRecycled;
    figures.merges += merges;
  }
}

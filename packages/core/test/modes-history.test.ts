/**
 * The same random history in every mode at once, against lmdb as the oracle: single writes,
 * batches, transactions of both kinds, ranges, snapshots and walks that stay open across seals,
 * merges and checkpoints, and every database opened again in another mode in between. Every result
 * of every read, every error and every sequence must be what the model says, the contents what lmdb
 * says.
 *
 * A failure prints the mode, the first difference, the shortest history that was found to fail, and
 * the command that runs the failing case again. Environment:
 * - MANIFOLD_HISTORY_RUNS, MANIFOLD_HISTORY_COMMANDS: more or longer histories
 * - MANIFOLD_HISTORY_SEED, MANIFOLD_HISTORY_PATH: other histories; with a path, that one only
 * - MANIFOLD_HISTORY_FILE: the history in that file only (a failure writes one)
 * - MANIFOLD_HISTORY_MODES: these modes only, separated by commas
 * - MANIFOLD_HISTORY_SHORTEN_MS: time for shortening a failing history
 * - MANIFOLD_HISTORY_TRACE=1: prints every command before it runs
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommitMode } from '@manifold-db/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MODES } from './support/modes.js';
import { histories } from './support/modes-history/arbitraries.js';
import type { History } from './support/modes-history/commands.js';
import { ORACLE_NAME } from './support/modes-history/content-oracle.js';
import { runHistory } from './support/modes-history/run.js';
import { shorten, type Failing } from './support/modes-history/shorten.js';

const { env } = process;
const SEED = Number(env['MANIFOLD_HISTORY_SEED'] ?? 20261210);
const PATH = env['MANIFOLD_HISTORY_PATH'];
const FILE = env['MANIFOLD_HISTORY_FILE'];
const RUNS_DEFAULT = 3;
const COMMANDS_DEFAULT = 300;
const RUNS = Number(env['MANIFOLD_HISTORY_RUNS'] ?? RUNS_DEFAULT);
const COMMANDS = Number(env['MANIFOLD_HISTORY_COMMANDS'] ?? COMMANDS_DEFAULT);
const SHORTEN_MS = Number(env['MANIFOLD_HISTORY_SHORTEN_MS'] ?? 120_000);
const ASKED_MODES = env['MANIFOLD_HISTORY_MODES']?.split(',') as CommitMode[] | undefined;
const MODES_RUN = ASKED_MODES ?? MODES;

/** Far above what runs and shortening take: only a hanging event loop meets it. */
const LIMIT_MS = 3_600_000;
const COMMAND = 'npx vitest run packages/core/test/modes-history.test.ts';

async function attempt(history: History): Promise<unknown> {
  try {
    await runHistory(history, MODES_RUN);
    return undefined;
  } catch (error) {
    return error ?? new Error('failed without an error');
  }
}

/** Commands one per line, so that a file of them can be edited by hand. */
function textOf({ options, commands }: History): string {
  const lines = commands.map((command) => `  ${JSON.stringify(command)}`).join(',\n');
  return `{"options":${JSON.stringify(options)},\n"commands":[\n${lines}\n]}\n`;
}

async function report(found: Failing, again: string): Promise<string> {
  const shortest = await shorten(found, attempt, SHORTEN_MS);
  const text = textOf(shortest.history);
  const file = join(mkdtempSync(join(tmpdir(), 'manifold-failing-history-')), 'history.json');
  writeFileSync(file, text);
  const { message, stack } = shortest.error as Error;
  const before = found.history.commands.length;
  const modes = ASKED_MODES === undefined ? '' : `MANIFOLD_HISTORY_MODES=${ASKED_MODES.join()} `;
  return [
    `${message}`,
    `run again:      ${modes}${again} ${COMMAND}`,
    `the short one:  ${modes}MANIFOLD_HISTORY_FILE=${file} ${COMMAND}`,
    `found first:    ${(found.error as Error).message}`,
    `history of ${shortest.history.commands.length} commands (of ${before}):`,
    text,
    stack,
  ].join('\n');
}

async function runFile(file: string): Promise<void> {
  await runHistory(JSON.parse(readFileSync(file, 'utf8')) as History, MODES_RUN);
}

async function runRandom(): Promise<void> {
  const figures = { commits: 0, checkpoints: 0, segmentsRecycled: 0, merges: 0 };
  const property = fc.asyncProperty(histories(COMMANDS), (history) => {
    return runHistory(history, MODES_RUN, figures);
  });
  const which = PATH === undefined ? {} : { path: PATH };
  const settings = { seed: SEED, numRuns: RUNS, endOnFailure: true, ...which };
  const details = await fc.check(property, settings);
  if (details.failed) {
    const found = { history: details.counterexample![0], error: details.errorInstance };
    const path = `MANIFOLD_HISTORY_PATH=${details.counterexamplePath}`;
    const length = `MANIFOLD_HISTORY_COMMANDS=${COMMANDS}`;
    expect.fail(await report(found, `MANIFOLD_HISTORY_SEED=${SEED} ${path} ${length}`));
  }
  if (PATH !== undefined || RUNS * COMMANDS < RUNS_DEFAULT * COMMANDS_DEFAULT) return;
  // Less, and the histories would not meet what they are there for.
  expect(figures.commits).toBeGreaterThan(RUNS * COMMANDS * 0.2);
  expect(figures.checkpoints).toBeGreaterThan(RUNS * MODES_RUN.length);
  expect(figures.segmentsRecycled).toBeGreaterThan(0);
  // Of orderly closes alone there are no more than openings.
  if (MODES_RUN.includes('buffered')) expect(figures.merges).toBeGreaterThan(4 * RUNS);
}

const what = FILE ?? `histories of ${COMMANDS} commands, seed ${SEED}`;
it(`${what}, in ${MODES_RUN.join(', ')}; oracle: ${ORACLE_NAME}`, { timeout: LIMIT_MS }, () => {
  return FILE === undefined ? runRandom() : runFile(FILE);
});

/**
 * The suite `recovery`: a process fills the log and is killed; how long does the next open take
 * until reads are served?
 */
import { join } from 'node:path';
import type { Settings } from '../arguments.js';
import { rounded, spreadOf } from '../figures.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { withScratch } from '../scratch.js';
import { formatTable } from '../table.js';
import type { Recovered } from './reopen.js';
import type { KeyOrder, RecoveryParameters } from './run.js';

const ROUNDS = 3;
const COUNT = 1_000_000;
const QUICK_COUNT = 20_000;
const BATCH_OPS = 100;
const ORDERS: readonly KeyOrder[] = ['ascending', 'random'];
const CHILD = new URL('./child.js', import.meta.url);
const REOPEN = new URL('./reopen.js', import.meta.url);
const MS_PER_SECOND = 1e3;

function batchOpsOf(settings: Settings): number {
  return settings.batchOps?.[0] ?? BATCH_OPS;
}

function recoverOnce(settings: Settings, order: KeyOrder, count: number): Promise<Recovered> {
  return withScratch(settings.directory, async (scratch) => {
    const directory = join(scratch, 'database');
    const parameters = { directory, count, batchOps: batchOpsOf(settings), order };
    await runIsolated<RecoveryParameters, unknown>(CHILD, parameters, { killWhenAnswered: true });
    const { profileDirectory } = settings;
    const recovered = await runIsolated<RecoveryParameters, Recovered>(REOPEN, parameters, {
      profileDirectory,
    });
    if (recovered.entries !== count) {
      throw new Error(`${recovered.entries} of ${count} records were recovered`);
    }
    return recovered;
  });
}

export async function recovery(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const rounds = settings.rounds ?? (settings.quick ? 1 : ROUNDS);
  const count = settings.count ?? (settings.quick ? QUICK_COUNT : COUNT);
  const measured = new Map<KeyOrder, Recovered[]>(ORDERS.map((order) => [order, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const order of ORDERS) {
      const recovered = await recoverOnce(settings, order, count);
      measured.get(order)!.push(recovered);
      process.stderr.write(
        `round ${round}/${rounds}  ${order}: open ${Math.round(recovered.openMs)} ms, ` +
          `replay ${Math.round(recovered.replayMs)} ms\n`,
      );
    }
  }
  const runs = [...measured].map(([order, all]) => {
    // All of them, unless a checkpoint came in between.
    const putsReplayed = Math.min(count, all[0]!.commitsReplayed * batchOpsOf(settings));
    const putsPerSecond = spreadOf(
      all.map(({ replayMs }) => (putsReplayed / replayMs) * MS_PER_SECOND),
    );
    return {
      order,
      batchOps: batchOpsOf(settings),
      puts: putsReplayed,
      rounds,
      putsPerSecond: putsPerSecond.median,
      putsPerSecondRounds: putsPerSecond,
      openMs: spreadOf(all.map(({ openMs }) => openMs)),
      replayMs: spreadOf(all.map(({ replayMs }) => replayMs)),
      commitsReplayed: all[0]!.commitsReplayed,
      bytesReplayed: rounded(all[0]!.bytesReplayed),
    };
  });
  const text = formatTable(
    [
      ['keys', (run) => run.order],
      ['puts', (run) => run.puts],
      ['puts/s replayed', (run) => run.putsPerSecond],
      ['min', (run) => run.putsPerSecondRounds.min],
      ['max', (run) => run.putsPerSecondRounds.max],
      ['replay ms', (run) => run.replayMs.median],
      ['open ms', (run) => run.openMs.median],
      ['commits', (run) => run.commitsReplayed],
      ['bytes', (run) => run.bytesReplayed],
    ],
    runs,
  );
  return { json: { machine, runs }, text };
}

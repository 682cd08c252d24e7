/**
 * Isolation: concurrent transactions, writes and snapshots on real threads and files, small enough
 * that generations are sealed, merged and checkpointed meanwhile. Their histories are serialisable,
 * and every snapshot shows exactly the commits up to its sequence (`support/isolation/`).
 */
import { describe } from 'vitest';
import { databasePath, openSmall } from './support/api-database.js';
import { IsolationWorkload, type Lists } from './support/isolation/workload.js';
import { MODES } from './support/modes.js';
import { proof, type ProofRun } from './support/proof.js';
import { randomFrom } from './support/simulator.js';

/** Transactions between two searches for cycles. */
const EPOCH = 1000;
/** Then the database is opened anew. */
const EPOCHS_PER_DATABASE = 8;

/** A database and what its clients do, which the number decides; the timing of threads is free. */
async function database(run: ProofRun, number: number): Promise<void> {
  const mode = MODES[number % MODES.length]!;
  const db = await openSmall(databasePath(), { mode, checkpointIntervalMs: 50 });
  const family = db.columnFamily('lists', { keyEncoding: 'utf8', valueEncoding: 'json' });
  const random = randomFrom(run.seed + number);
  const workload = new IsolationWorkload(db, family as unknown as Lists, random);
  for (let epoch = 0; epoch < EPOCHS_PER_DATABASE && !run.isOver; epoch++) {
    const before = workload.operations;
    await workload.epoch(EPOCH);
    run.done += workload.operations - before;
    for (const text of workload.problems.splice(0)) run.problem(String(number), `${mode}: ${text}`);
  }
  await db.close();
  run.figure('databases', 1);
  run.figure('transactions', workload.transactions);
  run.figure('conflicts', workload.conflicts);
  run.figure('snapshots', workload.snapshots);
}

describe('isolation', () => {
  const plan = { name: 'isolation', unit: 'operations', small: 200_000, large: 5_000_000 };
  proof(plan, async (run) => {
    if (run.onlyCase !== undefined) await database(run, Number(run.onlyCase));
    else for (let number = 0; !run.isOver; number++) await database(run, number);
  });
});

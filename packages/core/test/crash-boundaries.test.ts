/**
 * Power loss at every boundary. While 200 mixed commits with checkpoints run, the disk as it would
 * look after a power cut is taken before every single operation on it, once without any unsynced
 * byte, and opened later. `kill -9` tests cannot see what these see: the kernel keeps what a dead
 * process wrote, a disk without power does not (TRAPS B7).
 */
import { SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { crashProblem } from './support/crash-check.js';
import { runHistory, type HistoryRun } from './support/history.js';
import { openSimulation, randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261122);
const COMMITS = 200;
/** Every so many crash states one is opened for writing, closed, and opened again. */
const READ_WRITE_EVERY = 29;

interface CrashState {
  readonly disk: SimulatedDisk;
  readonly acknowledged: number;
  readonly place: string;
}

async function collect(
  take: (disk: SimulatedDisk, place: string, acknowledged: number) => CrashState[],
  options: { mode?: 'sequential' | 'async-wal' | 'pipelined'; commits: number; seed: number },
): Promise<{ run: HistoryRun; crashes: CrashState[] }> {
  const disk = new SimulatedDisk();
  const run: HistoryRun = { states: [], acknowledged: 0 };
  const crashes: CrashState[] = [];
  const simulation = await openSimulation(disk, options.seed, { mode: options.mode ?? 'pipelined' });
  disk.onOperation = (index, description) => {
    crashes.push(...take(disk, `operation ${index}: ${description}`, run.acknowledged));
  };
  await runHistory(simulation, { ...options, checkpointEvery: 40 }, run);
  await simulation.host.run(simulation.database.close());
  return { run, crashes };
}

async function check(run: HistoryRun, crashes: CrashState[]): Promise<string[]> {
  const problems: string[] = [];
  for (const [i, { disk, place, acknowledged }] of crashes.entries()) {
    const isFull = i % READ_WRITE_EVERY === 0;
    let problem = await crashProblem(disk, run, acknowledged, isFull ? 'read-write' : 'read-only');
    // Recovery is idempotent: the recovered database recovers to the same.
    if (problem === undefined && isFull) {
      problem = await crashProblem(disk, run, acknowledged, 'read-only');
    }
    if (problem !== undefined) problems.push(`seed ${SEED}, before ${place}: ${problem}`);
  }
  return problems;
}

describe('power loss', () => {
  for (const mode of ['pipelined', 'async-wal', 'sequential'] as const) {
    it(`at every boundary, unsynced bytes dropped (${mode})`, { timeout: 300_000 }, async () => {
      const commits = mode === 'pipelined' ? COMMITS : COMMITS / 4;
      const { run, crashes } = await collect(
        (disk, place, acknowledged) => [{ disk: disk.crash({ keep: 'none' }), place, acknowledged }],
        { mode, commits, seed: SEED },
      );
      expect(crashes.length).toBeGreaterThan(commits);
      expect(await check(run, crashes)).toEqual([]);
    });
  }

  it('at every boundary, each unsynced write dropped alone', { timeout: 300_000 }, async () => {
    const { run, crashes } = await collect(
      (disk, place, acknowledged) =>
        disk.pendingWrites().map(({ index, description }) => ({
          disk: disk.crash({ dropWrite: index }),
          place: `${place}, without ${description}`,
          acknowledged,
        })),
      { commits: COMMITS, seed: SEED + 1 },
    );
    expect(crashes.length).toBeGreaterThan(COMMITS);
    expect(await check(run, crashes)).toEqual([]);
  });

  it('anywhere, unsynced writes kept, dropped or torn at random', { timeout: 300_000 }, async () => {
    const random = randomFrom(SEED + 2);
    const { run, crashes } = await collect(
      (disk, place, acknowledged) => [{ disk: disk.crash({ random }), place, acknowledged }],
      { commits: COMMITS, seed: SEED + 2 },
    );
    expect(await check(run, crashes)).toEqual([]);
  });
});

/**
 * A backup that does not finish. Power fails before every single operation on the disk: afterwards
 * the target holds the whole copy or nothing that is taken for a database. The disk is full, or
 * broken, at any write or sync: the backup rejects and removes what it wrote.
 *
 * Everything runs in one thread on a simulated disk; the tasks are those of the pool.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  SimulatedDisk,
  attachShared,
  createFaultVfs,
  createSharedBuffers,
  databaseState,
  loadCheckpoint,
  scanLog,
  type Vfs,
} from '@manifold-db/storage';
import type { Engine } from '../src/engine.js';
import { backupDatabase } from '../src/side/backup.js';
import { SidePool } from '../src/side/pool.js';
import type { BackupReport } from '../src/types.js';
import { outcomeOf } from './support/faults.js';
import { SIMULATED_PATH, openSimulation, randomFrom } from './support/simulator.js';

const TARGET = '/backups/monday';
const MIB = 1024 * 1024;
const SEGMENT_BYTES = 2 * MIB;

/** A database of a few hundred pages; half of its commits are in the log only. */
let original: SimulatedDisk;

beforeAll(async () => {
  const disk = new SimulatedDisk();
  const { database, host } = await openSimulation(disk, 7);
  for (let batch = 0; batch < 10; batch++) {
    const commit = database.write((tx) => {
      for (let i = 0; i < 300; i++) {
        tx.put(database.columnFamily('rows'), `k${(i * 7 + batch) % 900}`, `${batch}`.repeat(100));
      }
      tx.put(database.columnFamily('blobs'), `b${batch % 3}`, 'x'.repeat(20_000 + batch));
    });
    await host.run(commit);
    if (batch === 4) await host.run(database.checkpoint());
  }
  // The machine dies; what was acknowledged is there.
  original = disk.crash({ keep: 'none' });
});

/** Open for reading: the copy takes the log along. Else a checkpoint comes first: a new log. */
const KINDS = { log: true, checkpoint: false } as const;
type Kind = keyof typeof KINDS;

/** What a backup sees of a database. */
function engineOn(vfs: Vfs, kind: Kind): Engine {
  const shared = attachShared(
    createSharedBuffers({
      pageBytes: 4096,
      cacheBytes: MIB,
      walRingBytes: MIB,
      walSegmentBytes: SEGMENT_BYTES,
      walBytesMax: 4 * SEGMENT_BYTES,
      pendingCommitsMax: 16,
      applyWorkers: 1,
      writeBufferBytes: 0,
      writeBufferCount: 0,
    }),
  );
  const parts: Partial<Engine> = {
    vfs,
    path: SIMULATED_PATH,
    options: { readOnly: KINDS[kind] } as Engine['options'],
    hasFailed: false,
    shared,
    host: { now: () => 0 } as Engine['host'],
  };
  return parts as Engine;
}

class Pins {
  count = 0;
  pinCheckpoint(): void {
    this.count++;
  }
  unpinCheckpoint(): void {
    this.count--;
  }
}

async function backup(vfs: Vfs, kind: Kind, pins = new Pins()): Promise<BackupReport> {
  const pool = new SidePool(1, { vfs });
  const database = { checkpoint: () => Promise.resolve(), pins };
  try {
    return await backupDatabase(engineOn(vfs, kind), database, pool, TARGET, undefined);
  } finally {
    await pool.close();
  }
}

/** Sequence up to which a database recovers; `undefined` when there is none. */
function lastSequence(disk: SimulatedDisk, path: string): number | undefined {
  const vfs = disk.vfs();
  if (databaseState(vfs, path) === 'absent') return undefined;
  const { meta } = loadCheckpoint(vfs, path);
  const options = {
    databaseId: meta.databaseId,
    fromSequence: meta.sequence,
    oldestSegment: meta.walSegmentNumber,
  };
  return scanLog(vfs, path, options, { transaction: () => {} }).lastSequence;
}

/** Opens the target of a backup that did not finish, as a new database. */
async function openNew(disk: SimulatedDisk): Promise<string | undefined> {
  const opening = openSimulation(disk, 3, {}, { path: TARGET });
  const { code } = await outcomeOf(opening);
  if (code === undefined) expect(lastSequence(disk, TARGET)).toBe(0);
  return code;
}

class PowerCut extends Error {}

describe.each(['log', 'checkpoint'] as const)('a backup with its %s that fails', (kind) => {
  it('is whole or absent after a power cut before any operation', async () => {
    const recovered = lastSequence(original, SIMULATED_PATH)!;
    const { meta } = loadCheckpoint(original.vfs(), SIMULATED_PATH);
    const whole = kind === 'log' ? recovered : meta.sequence;
    expect(meta.sequence).toBeLessThan(recovered);
    const measured = original.snapshot();
    const pins = new Pins();
    const report = await backup(measured.vfs(), kind, pins);
    expect(report).toMatchObject({ sequence: whole, path: TARGET });
    expect(pins.count).toBe(0);
    const operations = measured.operationCount - original.snapshot().operationCount;
    expect(operations).toBeGreaterThan(20);
    const random = randomFrom(11);
    const outcomes = new Set<number | undefined>();
    const openings = new Set<string | undefined>();
    for (let cut = 0; cut <= operations; cut++) {
      const disk = original.snapshot();
      const first = disk.operationCount;
      disk.onOperation = (index) => {
        if (index - first >= cut) throw new PowerCut();
      };
      const running = backup(disk.vfs(), kind);
      if (cut < operations) await expect(running, `cut ${cut}`).rejects.toThrow();
      else await running;
      disk.onOperation = undefined;
      for (const options of [{ keep: 'none' }, { keep: 'all' }, { random }] as const) {
        const after = disk.crash(options);
        expect(lastSequence(after, SIMULATED_PATH), `original, cut ${cut}`).toBe(recovered);
        const outcome = lastSequence(after, TARGET);
        expect([undefined, whole], `cut ${cut}`).toContain(outcome);
        outcomes.add(outcome);
        if (outcome === undefined) openings.add(await openNew(after));
        if (cut === operations) expect(outcome, 'reported backups are durable').toBe(whole);
      }
    }
    expect(outcomes.size).toBe(2);
    // Never damage: its files are replaced, or in the way of a new database.
    const refused = kind === 'log' ? ['ERR_MANIFOLD_NOT_FOUND'] : [];
    expect(openings).toEqual(new Set([undefined, ...refused]));
  });

  it('leaves nothing behind when the disk is full or broken at any point', async () => {
    const failures = [
      { operation: 'write', errno: 'ENOSPC', code: 'ERR_MANIFOLD_FULL' },
      { operation: 'truncate', errno: 'EDQUOT', code: 'ERR_MANIFOLD_FULL' },
      { operation: 'dataSync', errno: 'EIO', code: 'ERR_MANIFOLD_IO' },
      { operation: 'sync', errno: 'EIO', code: 'ERR_MANIFOLD_IO' },
      { operation: 'rename', errno: 'EACCES', code: 'ERR_MANIFOLD_PERMISSION' },
      { operation: 'syncDirectory', errno: 'EIO', code: 'ERR_MANIFOLD_IO' },
    ] as const;
    for (const { operation, errno, code } of failures) {
      let afterCalls = 0;
      for (let isDone = false; !isDone; afterCalls++) {
        const disk = original.snapshot();
        const rule = { operation, errno, pathIncludes: '/backups', afterCalls, times: 1 } as const;
        const vfs = createFaultVfs(disk.vfs(), [rule]);
        const pins = new Pins();
        const [result] = await Promise.allSettled([backup(vfs, kind, pins)]);
        expect(pins.count).toBe(0);
        isDone = result.status === 'fulfilled';
        if (isDone) continue;
        expect(result, `${operation} ${afterCalls}`).toMatchObject({ reason: { code } });
        const names = disk.vfs().exists(TARGET) ? disk.vfs().list(TARGET) : [];
        expect(names, `${operation} ${afterCalls}`).toEqual([]);
      }
      expect(afterCalls, operation).toBeGreaterThan(1);
    }
  });

  it('names the original when that is what cannot be read', async () => {
    let afterCalls = 0;
    for (let isDone = false; !isDone; afterCalls++) {
      const disk = original.snapshot();
      const pathIncludes = SIMULATED_PATH;
      const rules = [{ operation: 'read', errno: 'EIO', pathIncludes, afterCalls }] as const;
      const vfs = createFaultVfs(disk.vfs(), rules);
      const [result] = await Promise.allSettled([backup(vfs, kind)]);
      isDone = result.status === 'fulfilled';
      if (isDone) continue;
      expect(result).toMatchObject({ reason: { code: 'ERR_MANIFOLD_IO' } });
      const { message } = (result as PromiseRejectedResult).reason as Error;
      expect(message).toContain(join(SIMULATED_PATH, ''));
    }
    expect(afterCalls).toBeGreaterThan(5);
  });
});

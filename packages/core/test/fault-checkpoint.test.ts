/**
 * The data file's disk fails while a checkpoint runs. A page that could not be written or synced
 * may be lost whatever later calls say, so the database is poisoned; the log still has every commit
 * since the last checkpoint, so reopening finds them all.
 */
import type { FaultRule } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openFaulty, settle } from './support/faults.js';
import { BUILD_MODES } from './support/modes.js';
import { READ_ONLY, openSimulation, randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261126);
const COMMITS = 12;
const CRASHES = 8;

const FAULTS: FaultRule[] = (['write', 'dataSync', 'sync'] as const).flatMap((operation) =>
  // Each of the writes and syncs of one checkpoint in turn: growth, pages, meta.
  Array.from({ length: operation === 'write' ? 5 : 2 }, (_, afterCalls) => ({
    operation,
    afterCalls,
    pathIncludes: 'data.manifold',
    errno: 'EIO' as const,
  })),
);

describe.each(BUILD_MODES)('a checkpoint fails, mode %s', (mode) => {
  it.each(FAULTS)('in $operation after $afterCalls', async (rule) => {
    const simulation = await openFaulty([rule], { mode }, { seed: SEED });
    const { database, host, disk } = simulation;
    const put = (i: number) => host.run(database.put(`key-${i}`, `value-${i}`.padEnd(900)));
    for (let i = 0; i < COMMITS; i++) await put(i);
    await host.run(database.checkpoint());
    for (let i = COMMITS; i < 2 * COMMITS; i++) await put(i);
    simulation.switchOn();
    const checkpoint = await settle(host, () => database.checkpoint());
    if (checkpoint.error === undefined) {
      // This checkpoint has fewer calls of the kind.
      expect(rule.afterCalls).toBeGreaterThan(0);
      return;
    }
    expect(checkpoint.code).toBe('ERR_MANIFOLD_POISONED');
    simulation.switchOff();
    const later = await settle(host, () => database.put('later', 'value'));
    expect(later).toMatchObject({ code: 'ERR_MANIFOLD_POISONED' });
    expect(database.count()).toBe(2 * COMMITS);
    expect(database.get(`key-${COMMITS}`)).toMatch(`value-${COMMITS}`);
    expect(database.stats().failure?.message).toMatch(/data\.manifold|checkpoint/);
    await settle(host, () => database.close());
    const random = randomFrom(SEED);
    for (let i = 0; i < CRASHES; i++) {
      const left = [disk.crash({ keep: 'none' }), disk.snapshot()][i] ?? disk.crash({ random });
      const after = await openSimulation(left, SEED + i, READ_ONLY);
      expect(after.database.lastCommitted, `crash ${i}, seed ${SEED}`).toBe(2 * COMMITS);
      expect(after.database.count()).toBe(2 * COMMITS);
    }
  });

  it('and commits under way are told that nobody knows', async () => {
    const rule: FaultRule = { operation: 'sync', pathIncludes: 'data.manifold', errno: 'EIO' };
    const { database, host, disk, switchOn } = await openFaulty([rule], { mode });
    for (let i = 0; i < COMMITS; i++) await host.run(database.put(`key-${i}`, 'value'));
    switchOn();
    const checkpoint = settle(host, () => database.checkpoint());
    const codes = new Set<string | undefined>();
    let acknowledged = COMMITS;
    for (let i = 0; i < 200 && !codes.has('ERR_MANIFOLD_POISONED'); i++) {
      const { code, value } = await settle(host, () => database.put(`more-${i}`, 'value'));
      if (value !== undefined) acknowledged = value.sequence;
      codes.add(code);
    }
    await checkpoint;
    expect([...codes].filter((code) => code !== undefined).sort()).toEqual(
      expect.arrayContaining(['ERR_MANIFOLD_POISONED']),
    );
    for (const code of codes) {
      if (code !== undefined) expect(code).toMatch(/INDETERMINATE|POISONED/);
    }
    const after = await openSimulation(disk.crash({ keep: 'none' }), SEED, READ_ONLY);
    expect(after.database.lastCommitted).toBeGreaterThanOrEqual(acknowledged);
  });
});

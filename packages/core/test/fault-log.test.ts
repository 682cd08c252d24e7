/**
 * The log's disk fails. After a failed sync the kernel may have dropped the dirty pages, after a
 * failed write nobody knows what stands in claimed space, so both poison the database for good:
 * who waits learns that its commit may or may not be there, nothing more is written or
 * acknowledged, reads go on with what is surely durable, and reopening recovers everything
 * acknowledged.
 */
import type { FaultRule } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { openFaulty, outcomeOf, settle, type FaultySimulation } from './support/faults.js';
import { MODES } from './support/modes.js';
import { READ_ONLY, openSimulation, randomFrom } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261125);
const BEFORE = 6;
const CRASHES = 12;

const FAULTS: Record<string, FaultRule> = {
  'the sync': { operation: 'dataSync', pathIncludes: 'wal-0', errno: 'EIO' },
  'the write': { operation: 'write', pathIncludes: 'wal-0', errno: 'EIO' },
  'the write half-way': {
    operation: 'write',
    pathIncludes: 'wal-0',
    errno: 'EIO',
    partialBytes: 90,
  },
  'the write for want of space': { operation: 'write', pathIncludes: 'wal-0', errno: 'ENOSPC' },
};

async function commitBefore({ database, host }: FaultySimulation): Promise<void> {
  for (let i = 1; i <= BEFORE; i++) await host.run(database.put(`before-${i}`, `value-${i}`));
  // The witness block of the idle log, so that the next write is that of a commit.
  for (let i = 0; i < 50; i++) host.stepOne();
}

/** Reads see exactly the commits that were acknowledged, in the default view and in the others. */
function expectDurableView({ database }: FaultySimulation): void {
  const keys = Array.from({ length: BEFORE }, (_, i) => `before-${i + 1}`);
  expect([...database.keys()]).toEqual(keys);
  expect([...database.keys({ consistency: 'synced' })]).toEqual(keys);
  expect(database.get('during-1')).toBeUndefined();
  expect(database.count()).toBe(BEFORE);
  const snapshot = database.snapshot();
  expect(snapshot.sequence).toBe(BEFORE);
  expect([...database.keys({ snapshot })]).toEqual(keys);
  snapshot.close();
}

async function expectRecovered(simulation: FaultySimulation, refused: string[]): Promise<void> {
  const random = randomFrom(SEED);
  for (let i = 0; i < CRASHES; i++) {
    const { disk } = simulation;
    const states = [disk.crash({ keep: 'none' }), disk.snapshot()];
    const left = states[i] ?? disk.crash({ random });
    const { database } = await openSimulation(left, SEED + i, READ_ONLY);
    const keys = [...database.keys()];
    const during = keys.filter((key) => key.startsWith('during'));
    expect(keys.length - during.length, `crash ${i}, seed ${SEED}`).toBe(BEFORE);
    // A prefix of the commit order, and nothing that was refused.
    expect(during).toEqual(during.map((_, at) => `during-${at + 1}`));
    expect(during.filter((key) => refused.includes(key))).toEqual([]);
  }
}

describe.each(MODES)('%s: the log fails', (mode) => {
  it('and the families are those that are surely there', async () => {
    const simulation = await openFaulty([FAULTS['the sync']!], { mode }, { seed: SEED });
    const { database, host } = simulation;
    const kept = database.columnFamily('kept');
    await host.run(kept.put('a', '1'));
    await commitBefore(simulation);
    simulation.switchOn();
    const drop = database.dropColumnFamily('kept');
    const creation = database.columnFamily('new').put('b', '2');
    await host.run(Promise.all([outcomeOf(drop), outcomeOf(creation)]));
    expect([...kept.keys()]).toEqual(['a']);
    expect(database.columnFamilies()).toEqual(['default', 'kept']);
    await settle(host, () => database.close());
  });

  it.each(Object.keys(FAULTS))('in %s', async (fault) => {
    const simulation = await openFaulty([FAULTS[fault]!], { mode }, { seed: SEED });
    const { database, host } = simulation;
    await commitBefore(simulation);
    simulation.switchOn();
    const during = [1, 2, 3].map((i) => outcomeOf(database.put(`during-${i}`, 'value')));
    const waiting = outcomeOf(database.waitForSync(BEFORE + 1));
    const codes = (await host.run(Promise.all(during))).map(({ code }) => code);
    expect(codes[0]).toBe('ERR_MANIFOLD_INDETERMINATE');
    const isPossible = /^ERR_MANIFOLD_(INDETERMINATE|POISONED)$/;
    for (const code of codes) expect(code).toMatch(isPossible);
    expect((await host.run(waiting)).code).toMatch(isPossible);
    const refused = codes.flatMap((code, i) =>
      code === 'ERR_MANIFOLD_POISONED' ? [`during-${i + 1}`] : [],
    );

    simulation.switchOff();
    const later = await settle(host, () => database.put('later', 'value'));
    expect(later).toMatchObject({ code: 'ERR_MANIFOLD_POISONED' });
    expect(await settle(host, () => database.checkpoint())).toMatchObject({
      code: 'ERR_MANIFOLD_POISONED',
    });
    expect(await settle(host, () => database.waitForSync(BEFORE))).not.toHaveProperty('error');
    expectDurableView(simulation);
    expect(database.stats().failure).toMatchObject({ message: expect.stringMatching(/wal-0/) });
    const operations = simulation.disk.operationCount;
    expect(await settle(host, () => database.close())).toMatchObject({
      code: 'ERR_MANIFOLD_POISONED',
    });
    expect(simulation.disk.operationCount, 'closing writes nothing').toBe(operations);
    await expectRecovered(simulation, [...refused, 'later']);
  });
});

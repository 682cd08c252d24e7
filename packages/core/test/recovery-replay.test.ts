/**
 * What replay makes of transactions of every shape: larger than its buffer, in any order of keys,
 * with families and ranges mixed. And of those that no writer makes: they are damage.
 */
import { CLEAR_HAS_HIGH, CLEAR_HAS_LOW, OperationKind, SimulatedDisk } from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import { forgeCommit, type ForgedOperation } from './support/forged-commits.js';
import { READ_ONLY, openSimulation } from './support/simulator.js';

const SEED = Number(process.env['MANIFOLD_SEED'] ?? 20261207);
const MIB = 1024 * 1024;
const DEFAULT = 1;

/** A closed database with the keys a to e. */
async function closedDatabase(): Promise<SimulatedDisk> {
  const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED);
  for (const key of 'abcde') await host.run(database.put(key, `value of ${key}`));
  await host.run(database.close());
  return disk;
}

const put = (key: string, value = 'forged', family = DEFAULT): ForgedOperation => {
  return { kind: OperationKind.PUT, family, key, value };
};

describe('transactions larger than the buffer of replay', () => {
  // Beside its 16 MiB: first many that fill it more than once, then one that never fits.
  it(
    'and many that fill it take effect in the order of the log',
    { timeout: 120_000 },
    async () => {
      const options = { cacheBytes: 8 * MIB, walBytesMax: 160 * MIB };
      const { disk, database, host } = await openSimulation(new SimulatedDisk(), SEED, options);
      const value = (i: number) => String.fromCodePoint(97 + (i % 26)).repeat(MIB);
      const last = 18;
      for (let i = 0; i <= last; i++) {
        const commit = database.write((tx) => {
          tx.put(database.defaultFamily, `key ${900 - i}`, value(i));
          // Above all others, so that no commit goes on behind the one before: straight into the trees.
          tx.put(database.defaultFamily, 'newest', `commit ${i}`);
        });
        await host.run(commit);
      }
      const large = database.write((tx) => {
        for (let i = 17; i >= 0; i--) tx.put(database.defaultFamily, `large ${100 + i}`, value(i));
        tx.put(database.defaultFamily, 'newest', 'large');
        tx.delete(database.defaultFamily, 'key 900');
      });
      await host.run(large);
      await host.run(database.put('after', 'small'));
      const left = disk.crash({ keep: 'none' });
      const { database: found, host: again } = await openSimulation(left, SEED, options);
      expect(found.stats().recovery.commitsReplayed).toBe(last + 3);
      expect(found.get('newest')).toBe('large');
      expect(found.get('after')).toBe('small');
      expect(found.get('key 900')).toBeUndefined();
      expect(found.count({ prefix: 'key ' })).toBe(last);
      expect(found.count({ prefix: 'large ' })).toBe(18);
      expect(found.get(`key ${900 - last}`) === value(last)).toBe(true);
      expect(found.get('large 117') === value(17)).toBe(true);
      await again.run(found.close());
    },
  );
});

describe('a transaction that makes a family and clears a range', () => {
  const family = 2;
  const create: ForgedOperation = { kind: OperationKind.CREATE_FAMILY, family, key: 'made' };
  const clear = (flags: number, low: string, high: string): ForgedOperation => {
    return { kind: OperationKind.CLEAR, family: DEFAULT, flags, key: low, value: high };
  };

  it.each([
    ['all of it', clear(0, '', ''), []],
    ['from a key on', clear(CLEAR_HAS_LOW, 'c', ''), ['a', 'b']],
    ['up to a key', clear(CLEAR_HAS_HIGH, '', 'c'), ['c', 'd', 'e']],
    ['between two keys', clear(CLEAR_HAS_LOW | CLEAR_HAS_HIGH, 'b', 'd'), ['a', 'd', 'e']],
  ])('clears %s', async (_what, operation, left) => {
    const disk = await closedDatabase();
    forgeCommit(disk, [create, put('k', 'v', family), operation]);
    const { database } = await openSimulation(disk, SEED, READ_ONLY);
    expect([...database.keys()]).toEqual(left);
    expect(database.columnFamily('made').get('k')).toBe('v');
  });
});

describe('a transaction that no writer makes', () => {
  it.each<[string, readonly ForgedOperation[], number?]>([
    ['1 operations instead of 2', [put('x')], 2],
    ['there is no column family 77', [put('x'), put('y', 'v', 77)]],
    [
      'the column family default is created twice',
      [{ kind: OperationKind.CREATE_FAMILY, family: 5, key: 'default' }],
    ],
  ])('is damage: %s', async (problem, operations, count) => {
    const disk = await closedDatabase();
    forgeCommit(disk, operations, count);
    await expect(openSimulation(disk, SEED, READ_ONLY)).rejects.toMatchObject({
      code: 'ERR_MANIFOLD_CORRUPT',
      message: expect.stringContaining(problem) as string,
    });
  });

  it('would be one that is replayed, were it as it should be', async () => {
    const disk = await closedDatabase();
    forgeCommit(disk, [put('x', 'forged')]);
    const { database } = await openSimulation(disk, SEED, READ_ONLY);
    expect(database.get('x')).toBe('forged');
    expect(database.stats().recovery.commitsReplayed).toBe(1);
  });
});

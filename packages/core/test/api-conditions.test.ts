/**
 * ifAbsent and ifValue: compare-and-set on the state the commit is built on.
 */
import { expect } from 'vitest';
import { databasePath, expectCode, expectThrownCode, openSmall } from './support/api-database.js';
import { inModes } from './support/modes.js';

inModes('a condition that does not hold rejects with CONFLICT and writes nothing', async () => {
  const db = await openSmall();
  const family = db.columnFamily<string, { n: number } | null>('family', {
    valueEncoding: 'json',
  });
  await expectCode(family.put('a', { n: 1 }, { ifValue: { n: 0 } }), 'ERR_MANIFOLD_CONFLICT');
  expect(db.columnFamilies()).toEqual(['default']);
  await family.put('a', { n: 1 }, { ifAbsent: true });
  const conflict = family.put('a', { n: 2 }, { ifAbsent: true });
  expect((await expectCode(conflict, 'ERR_MANIFOLD_CONFLICT')).message).toContain('family');
  await expectCode(family.put('a', { n: 2 }, { ifValue: { n: 2 } }), 'ERR_MANIFOLD_CONFLICT');
  expect(family.get('a')).toEqual({ n: 1 });
  expect(db.lastCommitted).toBe(1);
  expect(await family.put('a', null, { ifValue: { n: 1 } })).toEqual({ sequence: 2 });
  expect(await family.put('a', { n: 3 }, { ifValue: null, durability: 'async' })).toEqual({
    sequence: 3,
  });
  await family.delete('a');
  await family.put('a', { n: 4 }, { ifAbsent: true });
  expect(family.get('a')).toEqual({ n: 4 });
});

inModes('conditions in a transaction see its own writes, and may be caught', async () => {
  const db = await openSmall();
  const family = db.defaultFamily;
  await db.put('a', '1');
  await db.write((tx) => {
    tx.put(family, 'b', '2', { ifAbsent: true });
    expectThrownCode(() => tx.put(family, 'b', '3', { ifAbsent: true }), 'ERR_MANIFOLD_CONFLICT');
    expectThrownCode(() => tx.put(family, 'a', '3', { ifValue: '2' }), 'ERR_MANIFOLD_CONFLICT');
    tx.put(family, 'b', '4', { ifValue: '2' });
  });
  expect([...db.entries()]).toEqual([
    ['a', '1'],
    ['b', '4'],
  ]);
  const uncaught = db.write((tx) => {
    tx.put(family, 'c', '5');
    tx.put(family, 'a', '5', { ifAbsent: true });
  });
  await expectCode(uncaught, 'ERR_MANIFOLD_CONFLICT');
  expect(db.has('c')).toBe(false);
});

inModes('of many claims of one name at once exactly one succeeds', async (mode) => {
  const db = await openSmall(databasePath(), { mode });
  const claims = Array.from({ length: 60 }, (_, at) =>
    db.put('name', `owner ${at}`, { ifAbsent: true }).then(
      () => at,
      (error: { code?: string }) => error.code,
    ),
  );
  const results = await Promise.all(claims);
  expect(results[0]).toBe(0);
  expect(new Set(results.slice(1))).toEqual(new Set(['ERR_MANIFOLD_CONFLICT']));
  expect(db.get('name')).toBe('owner 0');
});

inModes(
  'a chain of compare-and-sets without waiting is applied in the order of the calls',
  async () => {
    const db = await openSmall();
    const commits: Promise<unknown>[] = [db.put('n', '0')];
    for (let at = 0; at < 100; at++) {
      commits.push(db.put('n', String(at + 1), { ifValue: String(at) }));
    }
    await Promise.all(commits);
    expect(db.get('n')).toBe('100');
  },
);

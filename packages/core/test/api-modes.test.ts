/**
 * The same random history in every mode and with every number of apply workers ends in the same
 * content, now and after reopening.
 */
import { expect, it } from 'vitest';
import { databasePath, openSmall } from './support/api-database.js';
import { MODES, tourOfModes } from './support/modes.js';
import { RandomHistory } from './support/api-history.js';

const CASES = MODES.flatMap((mode) => [1, 2, 4].map((apply) => ({ mode, apply })));

it.each(CASES)('mode $mode with $apply apply workers', async ({ mode, apply }) => {
  const path = databasePath();
  const history = new RandomHistory(apply);
  const db = await openSmall(path, { mode, workers: { apply } });
  for (let part = 0; part < 3; part++) {
    await history.run(db, 80);
    history.check(db);
  }
  await db.waitForSync();
  await db.waitForApply();
  expect(db.lastApplied).toBe(db.lastCommitted);
  for (const consistency of ['synced', 'applied'] as const) {
    expect([...db.entries({ consistency })]).toEqual([...db.entries()]);
  }
  await db.close();
  const again = await openSmall(path, { mode });
  history.check(again);
  expect(await again.verify()).toMatchObject({ ok: true, problems: [] });
});

it('modes and numbers of workers may change at every open, in every direction', async () => {
  const path = databasePath();
  const history = new RandomHistory(99);
  for (const [at, mode] of tourOfModes().entries()) {
    const apply = [1, 4, 2][at % 3]!;
    const db = await openSmall(path, { mode, workers: { apply } });
    expect(db.stats().options).toMatchObject({ mode, workers: { apply } });
    history.check(db);
    await history.run(db, 30);
    history.check(db);
    const { lastCommitted } = db;
    await db.close();
    expect(db.lastCommitted).toBe(lastCommitted);
  }
  history.check(await openSmall(path));
});

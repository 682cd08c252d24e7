/**
 * Damage to files as real runs of the engine left them: bits flipped, sectors zeroed, exchanged and
 * misplaced, files cut at every length and extended with garbage. The result is the state after
 * some commit, with everything in it that a whole byte witnesses as synced, or a typed error
 * (`support/damage/expectation.ts` has the rules). A case is `<database> <kind> <file> <place>`.
 */
import './support/fault-matrix/without-checks.js';
import { describe } from 'vitest';
import { Campaign } from './support/damage/campaign.js';
import { smallDatabase, smallDatabases } from './support/damage/small-databases.js';
import { proof } from './support/proof.js';

const SMALL = 100_000;
const LARGE = 1_000_000;
const EVERY_BIT_OF_BYTES = 128 * 1024;
/** Databases of which every length is tried in the small size. */
const SMALL_LENGTHS = 2;
const SHARES = {
  small: { readOneIn: 250, writeOneIn: 1500 },
  large: { readOneIn: 500, writeOneIn: 3000 },
};

describe('damaged files', () => {
  proof({ name: 'damage', unit: 'bit flips', small: SMALL, large: LARGE }, async (run) => {
    const campaign = new Campaign(run, run.isLarge ? SHARES.large : SHARES.small);
    if (run.onlyCase !== undefined) {
      await campaign.add(await smallDatabase(run.onlyCase.split(' ')[0]!, run.seed));
      await campaign.one(run.onlyCase);
      return;
    }
    const databases = await smallDatabases(run.seed);
    for (const database of databases) await campaign.add(database);
    run.figure('databases', databases.map(({ name, bytes }) => `${name} ${bytes}`).join(', '));
    await campaign.sectors();
    await campaign.lengths(run.isLarge ? databases.length : SMALL_LENGTHS);
    if (run.isLarge) await campaign.everyBit(EVERY_BIT_OF_BYTES);
    await campaign.flips();
    campaign.end();
  });
});

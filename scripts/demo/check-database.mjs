/**
 * Opens a database and compares every record with the source. A process of its own, so that the
 * memory of the parsed source is free again before the next load.
 *
 * usage: node check-database.mjs <database>     prints { "checked": n } or fails with one line
 */
import { open } from '@manifold-db/core';
import { DATA_SETS, readRecords } from './data.mjs';

function checkFamily(db, dataSet) {
  const records = readRecords(dataSet);
  const family = db.columnFamily(dataSet.family);
  const { keyOf, matches } = dataSet;
  const count = family.count();
  if (count !== records.length) {
    throw new Error(`${dataSet.family} has ${count} entries, the source has ${records.length}`);
  }
  for (const [index, record] of records.entries()) {
    const key = keyOf(record);
    const value = family.get(key);
    if (value === undefined) throw new Error(`${dataSet.family}: key "${key}" is missing`);
    if (!matches(value, record, index)) {
      throw new Error(`${dataSet.family}: key "${key}" has the wrong value ${value}`);
    }
  }
  return records.length;
}

async function main(path) {
  const db = await open(path, { readOnly: true, createIfMissing: false });
  try {
    let checked = 0;
    for (const dataSet of DATA_SETS) checked += checkFamily(db, dataSet);
    return checked;
  } finally {
    await db.close();
  }
}

try {
  const checked = await main(process.argv[2] ?? '');
  process.stdout.write(`${JSON.stringify({ checked })}\n`);
} catch (error) {
  process.stderr.write(`error: ${error.message}\n`);
  process.exitCode = 1;
}

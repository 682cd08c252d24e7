/**
 * The demo's data: two public data sets that npm carries, and how their records become keys.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const MANIFOLD = join(ROOT, 'packages/cli/bin/manifold.mjs');

/** Fields of a city that together are unique; `manifold load --key` joins them with a slash. */
const CITY_KEY = ['country', 'name', 'lat', 'lng'];

export const DATA_SETS = [
  {
    family: 'packages',
    source: 'all-the-package-names',
    key: 'line',
    keyOf: (name) => name,
    matches: (value, name, index) => value === String(index),
  },
  {
    family: 'cities',
    source: 'cities.json',
    key: CITY_KEY.join(','),
    keyOf: (city) => CITY_KEY.map((field) => city[field]).join('/'),
    matches: (value, city) => JSON.stringify(JSON.parse(value)) === JSON.stringify(city),
  },
];

/** Path of a data set's JSON file; throws with the mend when the package is not installed. */
export function pathOf(dataSet) {
  try {
    return createRequire(import.meta.url).resolve(dataSet.source);
  } catch {
    const mend = 'run "npm install --no-save --ignore-scripts --prefix scripts/demo"';
    throw new Error(`the data package ${dataSet.source} is missing; ${mend}`);
  }
}

/** All records, parsed by Node's own JSON parser, not by the loader that is being checked. */
export function readRecords(dataSet) {
  const records = JSON.parse(readFileSync(pathOf(dataSet), 'utf8'));
  if (Array.isArray(records) && records.length > 0) return records;
  throw new Error(
    `${pathOf(dataSet)} is not a list of records; remove scripts/demo/node_modules, then try again`,
  );
}

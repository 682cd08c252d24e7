/**
 * The reads of the suites `read` and `scan`. Each gives the sum of all bytes it has seen, so that
 * no engine gains by handing out what is not looked at, and all must have seen the same.
 */
import type { Store } from '../engines/store.js';
import type { Records } from '../records.js';
import { sumBytes } from '../sum.js';

const POINT_READS = 250_000;
const GET_MANY_SIZE = 100;
const RANGES = 5_000;
const RANGE_LIMIT = 100;

export const READ_WORKLOADS = ['get, hit', 'get, miss', `getMany of ${GET_MANY_SIZE}`] as const;
export const SCAN_WORKLOADS = [
  'full scan',
  'full scan in reverse',
  `ranges of ${RANGE_LIMIT}`,
] as const;
export type Workload = (typeof READ_WORKLOADS)[number] | (typeof SCAN_WORKLOADS)[number];

/** Which of the engine's methods for the same thing. */
export type Way = 'usual' | 'fast';

export interface Case {
  /** Keys looked for, or entries seen. */
  readonly units: number;
  readonly run: (store: Store, way: Way) => number | Promise<number>;
}

type Get = (key: Buffer) => Buffer | undefined | Promise<Buffer | undefined>;

/** Which method a way is; `undefined` when the engine has none for it. */
export function methodOf(store: Store, workload: Workload, way: Way): string | undefined {
  if (workload.startsWith('get, ')) return way === 'fast' ? store.getFastName : store.getName;
  return way === 'fast' ? undefined : '';
}

function readEach(store: Store, keys: readonly Buffer[], way: Way): number | Promise<number> {
  const get: Get = way === 'fast' ? store.getFast! : store.get;
  const first = get(keys[0]!);
  return first instanceof Promise ? readInTurn(get, keys) : readAtOnce(get, keys);
}

function readAtOnce(get: Get, keys: readonly Buffer[]): number {
  let sum = 0;
  for (const key of keys) {
    const value = get(key) as Buffer | undefined;
    if (value !== undefined) sum += sumBytes(value);
  }
  return sum;
}

async function readInTurn(get: Get, keys: readonly Buffer[]): Promise<number> {
  let sum = 0;
  for (const key of keys) {
    const value = await get(key);
    if (value !== undefined) sum += sumBytes(value);
  }
  return sum;
}

function sumOfAll(values: readonly (Buffer | undefined)[]): number {
  let sum = 0;
  for (const value of values) if (value !== undefined) sum += sumBytes(value);
  return sum;
}

/** Waits only for engines that make one wait: nothing else may run in between (`half-full.ts`). */
function readMany(store: Store, keys: readonly Buffer[]): number | Promise<number> {
  let sum = 0;
  for (let first = 0; first < keys.length; first += GET_MANY_SIZE) {
    const values = store.getMany(keys.slice(first, first + GET_MANY_SIZE));
    if (values instanceof Promise) return readManyInTurn(store, keys);
    sum += sumOfAll(values);
  }
  return sum;
}

async function readManyInTurn(store: Store, keys: readonly Buffer[]): Promise<number> {
  let sum = 0;
  for (let first = 0; first < keys.length; first += GET_MANY_SIZE) {
    sum += sumOfAll(await store.getMany(keys.slice(first, first + GET_MANY_SIZE)));
  }
  return sum;
}

async function readRanges(store: Store, starts: readonly Buffer[]): Promise<number> {
  let sum = 0;
  for (const start of starts) {
    const part = store.scan({ start, limit: RANGE_LIMIT });
    sum += part instanceof Promise ? await part : part;
  }
  return sum;
}

export function casesFor(records: Records): Readonly<Record<Workload, Case>> {
  const hits = records.sample(POINT_READS, 1, true);
  const misses = records.sample(POINT_READS, 2, false);
  const starts = records.sample(RANGES, 3, true);
  const { count } = records;
  return {
    'get, hit': { units: hits.length, run: (store, way) => readEach(store, hits, way) },
    'get, miss': { units: misses.length, run: (store, way) => readEach(store, misses, way) },
    [`getMany of ${GET_MANY_SIZE}`]: { units: hits.length, run: (store) => readMany(store, hits) },
    'full scan': { units: count, run: (store) => store.scan({}) },
    'full scan in reverse': { units: count, run: (store) => store.scan({ reverse: true }) },
    [`ranges of ${RANGE_LIMIT}`]: {
      // Ranges near the end are cut short by it.
      units: Math.min(RANGE_LIMIT, count) * starts.length,
      run: (store) => readRanges(store, starts),
    },
  } as Readonly<Record<Workload, Case>>;
}

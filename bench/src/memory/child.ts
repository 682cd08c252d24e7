/** Loads, reads and scans a database far larger than its cache, and watches resident memory. */
import type { ColumnFamily } from '@manifold-db/core';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import { openManifold } from '../engines/manifold.js';
import { serveIsolated } from '../isolated.js';
import { Random } from '../random.js';
import { peakResidentBytes, resetPeakResident } from '../resident.js';

export interface MemoryParameters {
  readonly directory: string;
  readonly cacheBytes: number;
  readonly entries: number;
  readonly valueBytes: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
}

export interface PhaseMemory {
  readonly phase: string;
  readonly elapsedMs: number;
  readonly operations: number;
  readonly peakRssBytes: number;
}

export interface MemoryMeasures {
  /** Before the database was opened. */
  readonly bareRssBytes: number;
  /** `stats().memory.totalBytes`: what the options add up to. */
  readonly configuredBytes: number;
  readonly phases: readonly PhaseMemory[];
  readonly dataBytes: number;
}

const BATCH_OPS = 500;
const IN_FLIGHT = 8;
const RANDOM_READS = 100_000;
const KEY_BYTES = 12;

function writeKey(key: Buffer, number: number): Buffer {
  key.write(String(number).padStart(KEY_BYTES, '0'), 'latin1');
  return key;
}

/** Values differ, so that a wrong page shows. */
function fillValue(value: Buffer, number: number): Buffer {
  value.writeUInt32LE(number, 0);
  return value;
}

type Family = ColumnFamily<Buffer, Buffer>;

async function load(
  database: ManifoldDatabase,
  family: Family,
  parameters: MemoryParameters,
): Promise<number> {
  const { entries, valueBytes } = parameters;
  const key = Buffer.alloc(KEY_BYTES);
  const value = new Random(3).bytes(valueBytes);
  const underWay: Promise<unknown>[] = [];
  for (let first = 0; first < entries; first += BATCH_OPS) {
    const end = Math.min(entries, first + BATCH_OPS);
    const commit = database.write((tx) => {
      for (let i = first; i < end; i++) tx.put(family, writeKey(key, i), fillValue(value, i));
    });
    underWay.push(commit);
    if (underWay.length >= IN_FLIGHT) await underWay.shift();
  }
  await Promise.all(underWay);
  await database.waitForApply();
  return entries;
}

function readRandomly(family: Family, { entries, valueBytes }: MemoryParameters): number {
  const random = new Random(5);
  const key = Buffer.alloc(KEY_BYTES);
  for (let i = 0; i < RANDOM_READS; i++) {
    const number = random.below(entries);
    const value = family.get(writeKey(key, number));
    if (value?.length !== valueBytes || value.readUInt32LE(0) !== number) {
      throw new Error(`record ${number} was read wrongly`);
    }
  }
  return RANDOM_READS;
}

function scan(family: Family, { entries }: MemoryParameters): number {
  let count = 0;
  for (const value of family.values()) {
    if (value.readUInt32LE(0) !== count++) throw new Error(`record ${count - 1} is out of order`);
  }
  if (count !== entries) throw new Error(`the scan found ${count} of ${entries} records`);
  return count;
}

serveIsolated(async (parameters: MemoryParameters): Promise<MemoryMeasures> => {
  resetPeakResident();
  const bareRssBytes = process.memoryUsage.rss();
  const { cacheBytes, directory, entries, valueBytes, openOptions } = parameters;
  const database = await openManifold(directory, { ...openOptions, cacheBytes });
  const family = database.columnFamily<Buffer, Buffer>('memory', {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  const phases: PhaseMemory[] = [];
  const watch = async (phase: string, run: () => number | Promise<number>): Promise<void> => {
    resetPeakResident();
    const started = performance.now();
    const operations = await run();
    const elapsedMs = performance.now() - started;
    phases.push({ phase, elapsedMs, operations, peakRssBytes: peakResidentBytes() });
  };
  await watch('load', () => load(database, family, parameters));
  await watch('random reads', () => readRandomly(family, parameters));
  await watch('full scan', () => scan(family, parameters));
  await watch('checkpoint', async () => {
    await database.checkpoint();
    return 1;
  });
  const configuredBytes = database.stats().memory.totalBytes;
  await database.close();
  return { bareRssBytes, configuredBytes, phases, dataBytes: entries * (KEY_BYTES + valueBytes) };
});

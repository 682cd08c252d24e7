/**
 * The suite `memory`: a database ten times larger than its cache. What resident memory takes beyond
 * the configured sizes and the bare runtime is the constant that the documentation states.
 */
import { join } from 'node:path';
import { MODE_DEFAULT, type Settings } from '../arguments.js';
import { rounded } from '../figures.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { withScratch } from '../scratch.js';
import { formatTable } from '../table.js';
import type { MemoryMeasures, MemoryParameters } from './child.js';

const CHILD = new URL('./child.js', import.meta.url);
const MIB = 2 ** 20;
const CACHE_BYTES = 16 * MIB;
const QUICK_CACHE_BYTES = 2 * MIB;
const DATA_PER_CACHE = 10.5;
const VALUE_BYTES = 200;
const ENTRY_BYTES = 212;
const MS_PER_SECOND = 1e3;

export async function memory(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const cacheBytes = settings.quick ? QUICK_CACHE_BYTES : CACHE_BYTES;
  const entries = settings.count ?? Math.ceil((cacheBytes * DATA_PER_CACHE) / ENTRY_BYTES);
  const mode = settings.modes?.[0] ?? MODE_DEFAULT;
  const measures = await withScratch(settings.directory, (scratch) => {
    const parameters = {
      directory: join(scratch, 'database'),
      cacheBytes,
      entries,
      valueBytes: VALUE_BYTES,
      openOptions: { ...settings.openOptions, mode },
    };
    const { profileDirectory } = settings;
    return runIsolated<MemoryParameters, MemoryMeasures>(CHILD, parameters, { profileDirectory });
  });
  const { bareRssBytes, configuredBytes, dataBytes } = measures;
  const runs = measures.phases.map(({ phase, elapsedMs, operations, peakRssBytes }) => ({
    phase,
    operations,
    operationsPerSecond: rounded((operations / elapsedMs) * MS_PER_SECOND),
    elapsedMs: rounded(elapsedMs),
    peakRssBytes,
    aboveConfiguredBytes: peakRssBytes - configuredBytes,
    aboveConfiguredAndBareBytes: peakRssBytes - configuredBytes - bareRssBytes,
  }));
  const head =
    `${entries.toLocaleString('en-US')} entries, ${(dataBytes / MIB).toFixed(0)} MiB of data, ` +
    `cache ${(cacheBytes / MIB).toFixed(0)} MiB, configured ` +
    `${(configuredBytes / MIB).toFixed(0)} MiB, bare process ` +
    `${(bareRssBytes / MIB).toFixed(0)} MiB\n`;
  const table = formatTable(
    [
      ['phase', (run) => run.phase],
      ['operations/s', (run) => run.operationsPerSecond],
      ['peak MiB', (run) => run.peakRssBytes / MIB],
      ['above configured MiB', (run) => run.aboveConfiguredBytes / MIB],
      ['and above bare process MiB', (run) => run.aboveConfiguredAndBareBytes / MIB],
    ],
    runs,
  );
  return {
    json: { machine, mode, cacheBytes, entries, dataBytes, configuredBytes, bareRssBytes, runs },
    text: `${head}\n${table}`,
  };
}

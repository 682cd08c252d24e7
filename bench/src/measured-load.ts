/** A load, with everything that is reported of one. */
import { directoryBytes } from './directory-bytes.js';
import type { Store } from './engines/store.js';
import { latencyFigures } from './latencies.js';
import { loadRecords } from './loading.js';
import type { Records } from './records.js';
import { peakResidentBytes, resetPeakResident } from './resident.js';
import type { Measures } from './rounds.js';
import { writtenBytes } from './written-bytes.js';

const MS_PER_SECOND = 1e3;

/** The clock runs until everything is in its final place. */
export async function measuredLoad(
  store: Store,
  directory: string,
  records: Records,
  order: Uint32Array,
): Promise<Measures> {
  resetPeakResident();
  const bareRssBytes = process.memoryUsage.rss();
  const writtenBefore = writtenBytes();
  const started = performance.now();
  const { latenciesUs, series, acknowledgedMs } = await loadRecords(store, records, order);
  await store.finish();
  const elapsedMs = performance.now() - started;
  const peakRssBytes = peakResidentBytes();
  const written = (writtenBytes() ?? Number.NaN) - (writtenBefore ?? Number.NaN);
  return {
    facts: store.facts,
    figures: {
      entriesPerSecond: (records.count / elapsedMs) * MS_PER_SECOND,
      ...latencyFigures(latenciesUs),
      elapsedMs,
      finishMs: elapsedMs - acknowledgedMs,
      bytesWrittenPerBytePut: written / records.bytes,
      fileBytesPerLiveByte: directoryBytes(directory) / records.bytes,
      peakRssBytes,
      aboveBareRssBytes: peakRssBytes - bareRssBytes,
    },
    notes: { series, finishedMeans: store.finishedMeans },
  };
}

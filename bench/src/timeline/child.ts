/** One traced run, in a process of its own. */
import type { OpenOptions } from '@manifold-db/core';
import { openWith, type ManifoldDatabase } from '@manifold-db/core/internal';
import { createTraceRegion, readTrace } from '@manifold-db/storage';
import { serveIsolated } from '../isolated.js';
import { FAMILIES } from '../ladder/run.js';
import { SeedWorkload, type Target } from '../ladder/workload.js';
import { withScratch } from '../scratch.js';
import { pictureOf, type TimelineParameters, type TimelineRun } from './run.js';

/** Commits before the picture: everything is compiled, every family exists. */
const LEAD_IN_BATCHES_PER_FAMILY = 60;
/** A generation this small is sealed and merged within the picture. */
const GENERATION_BYTES = 1024 * 1024;
/** Each begins when the one before is applied: every picture begins with an empty pipeline. */
const BURSTS = 11;
/** Rows per thread: a commit takes two on the main thread, others share. */
const ROWS_PER_COMMIT = 4;

function optionsOf({ mode, openOptions }: TimelineParameters): OpenOptions {
  const chosen = { mode, durability: 'immediate' };
  return { writeBufferBytes: GENERATION_BYTES, ...openOptions, ...chosen } as OpenOptions;
}

function openTraced(
  path: string,
  parameters: TimelineParameters,
  trace: SharedArrayBuffer,
): Promise<ManifoldDatabase> {
  const { addedSyncLatencyUs } = parameters;
  const slow = { vfsSpec: { kind: 'slow' as const, addedSyncLatencyUs } };
  const environment = addedSyncLatencyUs === 0 ? { trace } : { trace, ...slow };
  return openWith(path, optionsOf(parameters), environment);
}

function targetOf(database: ManifoldDatabase): Target {
  const families = Array.from({ length: FAMILIES }, (_, index) => {
    const encodings = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
    return database.columnFamily<Buffer, Buffer>(`family-${index}`, encodings);
  });
  return {
    commit: (index, batch) => {
      const family = families[index]!;
      return database.write((tx) => {
        for (let i = 0; i < batch.ops; i++) tx.put(family, batch.nextKey(), batch.value());
      });
    },
    settle: () => database.waitForApply(),
  };
}

async function run(parameters: TimelineParameters): Promise<TimelineRun> {
  const { mode, batchOps, addedSyncLatencyUs, commits } = parameters;
  const leadIn = LEAD_IN_BATCHES_PER_FAMILY * FAMILIES;
  // One batch per family more: the last commits of the picture have something behind them.
  const batchesPerFamily = Math.ceil(commits / FAMILIES) + 1;
  const burst = batchesPerFamily * FAMILIES;
  const trace = createTraceRegion((leadIn + BURSTS * burst) * ROWS_PER_COMMIT);
  await withScratch(parameters.directory, async (directory) => {
    const database = await openTraced(`${directory}/database`, parameters, trace);
    const target = targetOf(database);
    const workload = new SeedWorkload(target, batchOps);
    await workload.run(LEAD_IN_BATCHES_PER_FAMILY);
    for (let i = 0; i < BURSTS; i++) {
      await target.settle();
      await workload.run(batchesPerFamily);
    }
    await target.settle();
    await database.close();
  });
  const firstSequences = Array.from({ length: BURSTS }, (_, i) => leadIn + i * burst + 1);
  return {
    engine: 'manifold',
    mode,
    durability: 'immediate',
    batchOps,
    inFlight: FAMILIES,
    addedSyncLatencyUs,
    commits,
    writeBufferBytes: mode === 'buffered' ? GENERATION_BYTES : null,
    ...pictureOf(readTrace(trace), firstSequences, commits),
  };
}

serveIsolated(run);

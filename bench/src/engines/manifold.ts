/** Manifold with what the benchmark needs beyond the public API: slowed syncs, costs of stages. */
import type { OpenOptions } from '@manifold-db/core';
import { openWith, type ManifoldDatabase } from '@manifold-db/core/internal';
import {
  STAT_APPLY_COMMITS,
  STAT_APPLY_NS,
  STAT_GROUPS,
  STAT_MERGE_COMMITS,
  STAT_MERGE_NS,
  STAT_SYNC_NS,
  STAT_WRITE_NS,
  type Shared,
} from '@manifold-db/storage';
import type { StageTotals } from '../ladder/stage-costs.js';

export function openManifold(
  path: string,
  options: OpenOptions,
  addedSyncLatencyUs = 0,
): Promise<ManifoldDatabase> {
  if (addedSyncLatencyUs === 0) return openWith(path, options, {});
  return openWith(path, options, { vfsSpec: { kind: 'slow', addedSyncLatencyUs } });
}

/** The figures that the workers keep in shared memory; the engine itself is what views read. */
function statisticsOf(database: ManifoldDatabase): Float64Array {
  return (database.views.context as unknown as { shared: Shared }).shared.statistics;
}

export function stageTotals(database: ManifoldDatabase): StageTotals {
  const { pipeline } = database;
  const { log, options, checkpoints } = database.stats();
  const statistics = statisticsOf(database);
  const isAppliedByWorker = options.mode === 'pipelined' || options.mode === 'buffered';
  // In mode buffered most commits are merged, and those too large for a buffer are applied.
  const workerNs = statistics[STAT_APPLY_NS]! + statistics[STAT_MERGE_NS]!;
  const workerCommits = statistics[STAT_APPLY_COMMITS]! + statistics[STAT_MERGE_COMMITS]!;
  return {
    commits: pipeline.clock.commits,
    buildNs: pipeline.clock.buildNs,
    appendNs: pipeline.clock.appendNs,
    writeNs: statistics[STAT_WRITE_NS]!,
    syncNs: statistics[STAT_SYNC_NS]!,
    syncs: log.syncs,
    groups: statistics[STAT_GROUPS]!,
    applyNs: isAppliedByWorker ? workerNs : pipeline.applier.applyNs,
    applyCommits: isAppliedByWorker ? workerCommits : pipeline.clock.commits,
    checkpoints: checkpoints.count,
  };
}

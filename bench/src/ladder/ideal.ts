/** From the measured costs of a run to what they would allow. */
import type { Mode } from '../arguments.js';
import { pipelineRate, sequentialRate, type PipelineCosts } from './pipeline-model.js';
import type { StageCosts } from './stage-costs.js';

/**
 * Writing grows with the commits of a group and is known per commit; what is left of a group's time
 * is the sync, which costs the same for one commit as for eight.
 *
 * What is applied inline is the main thread's work. What a worker merges out of write buffers is
 * left out: acknowledged commits wait in memory for it, so a perfect overlap would not be slower.
 */
export function modelCosts(mode: Mode, costs: StageCosts): PipelineCosts {
  const isInline = mode === 'async-wal';
  const isBehind = mode === 'buffered';
  return {
    mainUs: costs.buildUs + costs.appendUs + (isInline ? costs.applyUs : 0),
    groupUs: Math.max(0, costs.syncUs - costs.commitsPerGroup * costs.writeUs),
    writeUs: costs.writeUs,
    applyUs: isInline || isBehind ? 0 : costs.applyUs,
  };
}

/** Commits per second. */
export function idealRate(mode: Mode, costs: StageCosts, inFlight: number): number {
  const model = modelCosts(mode, costs);
  return mode === 'sequential' ? sequentialRate(model) : pipelineRate(model, inFlight);
}

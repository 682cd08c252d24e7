/**
 * What the four stages cost, as differences of running totals over the measured part of a run.
 */

/** Running totals of one open database. */
export interface StageTotals {
  readonly commits: number;
  readonly buildNs: number;
  readonly appendNs: number;
  readonly writeNs: number;
  readonly syncNs: number;
  /** Syncs of the log, also those that made no commit durable. */
  readonly syncs: number;
  /** Syncs that made commits durable. */
  readonly groups: number;
  readonly applyNs: number;
  readonly applyCommits: number;
  readonly checkpoints: number;
}

export interface StageCosts {
  readonly commits: number;
  readonly syncs: number;
  readonly checkpoints: number;
  /** Per commit. */
  readonly buildUs: number;
  /** Per commit. */
  readonly appendUs: number;
  /** Writing to the log file, per commit. */
  readonly writeUs: number;
  /** Writing and syncing, per group of commits, with the added latency. */
  readonly syncUs: number;
  /** Per commit. */
  readonly applyUs: number;
  readonly commitsPerGroup: number;
}

const NS_PER_US = 1e3;

function mean(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}

export function costsBetween(before: StageTotals, after: StageTotals): StageCosts {
  const difference = (name: keyof StageTotals): number => after[name] - before[name];
  const commits = difference('commits');
  const groups = difference('groups');
  const logNs = difference('writeNs') + difference('syncNs');
  return {
    commits,
    syncs: difference('syncs'),
    checkpoints: difference('checkpoints'),
    buildUs: mean(difference('buildNs') / NS_PER_US, commits),
    appendUs: mean(difference('appendNs') / NS_PER_US, commits),
    writeUs: mean(difference('writeNs') / NS_PER_US, commits),
    syncUs: mean(logNs / NS_PER_US, groups),
    applyUs: mean(difference('applyNs') / NS_PER_US, difference('applyCommits')),
    commitsPerGroup: mean(commits, groups),
  };
}

/**
 * How fast the pipeline could be with the stage costs that were measured: `idealOpsPerSecond` of
 * the ladder is what this model reaches. Handing over costs nothing in it, no stage waits longer
 * than it must, and nothing else runs on the machine; so reached / ideal shows every stall.
 *
 * Why a model and not just the slowest stage: with a bounded number of commits in flight and a sync
 * that takes whatever has been written, the stages cannot always overlap. While the sync of one
 * group runs, only the commits outside the group can be built; a slow sync therefore splits the
 * commits into two groups that alternate, and each of the two waits for the other one's sync. No
 * engine can beat that without more commits in flight, so an ideal of "the slowest stage alone"
 * would blame the engine for the workload.
 *
 *   callers --> main: build, append [, apply] --> log: write + sync, a group at a time --> callers
 *               one commit at a time              everything appended when it starts
 *                                        \-> apply (worker): not on the way of the acknowledgement
 *
 * 1. `main` serves one commit at a time, in order, `mainUs` each: the stages of the main thread.
 * 2. `log` takes all commits that wait when it starts; a group of g lasts `groupUs + g * writeUs`.
 * 3. All commits of a group are acknowledged when it ends; each caller starts its next at once.
 * 4. The apply stage has a queue of its own and limits only the rate in the long run.
 */

export interface PipelineCosts {
  /** Main thread, per commit. */
  readonly mainUs: number;
  /** Log, per group whatever its size. */
  readonly groupUs: number;
  /** Log, per commit of a group. */
  readonly writeUs: number;
  /** Apply worker, per commit; 0 where the main thread applies. */
  readonly applyUs: number;
}

/** Commits that are simulated; the first half is for getting into the swing. */
const SIMULATED_COMMITS = 8000;
const US_PER_SECOND = 1e6;

/** Commits per second of the modes with a pipeline. */
export function pipelineRate(costs: PipelineCosts, inFlight: number): number {
  return Math.min(
    simulatedRate(costs, inFlight),
    rateOf(costs.applyUs),
    rateOf(costs.mainUs),
    rateOf(costs.groupUs / inFlight + costs.writeUs),
  );
}

/** Commits per second when each passes all stages before the next one starts. */
export function sequentialRate(costs: PipelineCosts): number {
  return rateOf(costs.mainUs + costs.groupUs + costs.writeUs + costs.applyUs);
}

function rateOf(costUs: number): number {
  return costUs > 0 ? US_PER_SECOND / costUs : Infinity;
}

/**
 * Steps from group to group. Between two groups the main thread serves callers in the order in
 * which they were acknowledged, so a list of the moments at which they call is all the state.
 */
function simulatedRate(costs: PipelineCosts, inFlight: number): number {
  /** Moments at which the callers outside the log stage call next, ascending. */
  let calls: number[] = Array.from({ length: inFlight }, () => 0);
  /** Moments at which commits were appended and have not been taken by a group, ascending. */
  let appended: number[] = [];
  let mainFreeUs = 0;
  let logFreeUs = 0;
  let acknowledged = 0;
  let countFrom = 0;
  let clockFromUs = 0;

  while (acknowledged < SIMULATED_COMMITS) {
    // Serving them all is right: whatever is appended after the group has started stays behind.
    for (const callUs of calls) {
      mainFreeUs = Math.max(mainFreeUs, callUs) + costs.mainUs;
      appended.push(mainFreeUs);
    }
    const startUs = Math.max(logFreeUs, appended[0]!);
    const taken = appended.filter((momentUs) => momentUs <= startUs).length;
    logFreeUs = startUs + costs.groupUs + taken * costs.writeUs;
    appended = appended.slice(taken);
    calls = Array.from({ length: taken }, () => logFreeUs);
    acknowledged += taken;
    if (countFrom === 0 && acknowledged >= SIMULATED_COMMITS / 2) {
      countFrom = acknowledged;
      clockFromUs = logFreeUs;
    }
  }
  const elapsedUs = logFreeUs - clockFromUs;
  return elapsedUs > 0 ? ((acknowledged - countFrom) / elapsedUs) * US_PER_SECOND : Infinity;
}

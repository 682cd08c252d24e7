/**
 * The suite `timeline`: when each thread worked on which stage, for some commits of a short real
 * run in every mode. The report draws it; the table says how busy each thread was.
 */
import { MODES, type Settings } from '../arguments.js';
import { runIsolated } from '../isolated.js';
import { describeMachine } from '../machine.js';
import type { Report } from '../report.js';
import { formatTable } from '../table.js';
import type { TimelineParameters, TimelineRun, TimelineSpan } from './run.js';

const CHILD = new URL('./child.js', import.meta.url);
const COMMITS = 40;
/** A commit takes about as long to build as the disk of a small machine takes to sync. */
const BATCH_OPS = 250;

/** Share of the stretch in which the thread worked. */
function busyShare({ spans, elapsedUs }: TimelineRun, lane: TimelineSpan['lane']): number {
  const clipped = spans
    .filter((span) => span.lane === lane)
    .map(({ startUs, endUs }) => Math.min(endUs, elapsedUs) - Math.max(startUs, 0));
  return clipped.reduce((sum, us) => sum + us, 0) / elapsedUs;
}

export async function timeline(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const runs: TimelineRun[] = [];
  for (const mode of settings.modes ?? MODES) {
    const parameters = {
      mode,
      batchOps: settings.batchOps?.[0] ?? BATCH_OPS,
      addedSyncLatencyUs: settings.addedSyncLatencyUs?.[0] ?? 0,
      commits: settings.count ?? COMMITS,
      openOptions: settings.openOptions,
      directory: settings.directory,
    };
    runs.push(await runIsolated<TimelineParameters, TimelineRun>(CHILD, parameters, {}));
    process.stderr.write(`traced ${mode}\n`);
  }
  const text = formatTable(
    [
      ['mode', (run) => run.mode],
      ['commits', (run) => run.commits],
      ['us', (run) => run.elapsedUs],
      ['main busy', (run) => busyShare(run, 'main')],
      ['fsync worker busy', (run) => busyShare(run, 'wal')],
      ['apply worker busy', (run) => busyShare(run, 'apply')],
    ],
    runs,
  );
  return { json: { machine, openOptions: settings.openOptions, runs }, text };
}

/** What the figures were measured on. */
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { BareLog } from './bare-log.js';
import { percentile, rounded, sortedCopy } from './figures.js';
import { isInMemory, withScratch } from './scratch.js';

const SYNC_RECORD_BYTES = 200;
const SYNC_SAMPLES = 400;
const SYNC_WARM_UP = 50;
const BUSY_LOAD = 1;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  /** Processes that wanted to run in the minute before: figures count where this is near 0. */
  readonly loadAverage: number;
  /** One write of 200 bytes into preallocated space plus `fdatasync`, in microseconds. */
  readonly bareSyncP50Us: number;
  readonly bareSyncP99Us: number;
}

export async function describeMachine(base: string): Promise<Machine> {
  const loadAverage = rounded(loadavg()[0]!, 3);
  if (loadAverage > BUSY_LOAD) {
    process.stderr.write(`warning: other programs use this machine (load ${loadAverage})\n`);
  }
  if (isInMemory(base)) {
    process.stderr.write(
      `warning: ${base} is in memory: syncs cost nothing there; name a disk with --dir\n`,
    );
  }
  const samples = await withScratch(base, async (directory) => {
    const log = new BareLog(directory, SYNC_RECORD_BYTES);
    for (let i = 0; i < SYNC_WARM_UP; i++) log.append();
    const timesUs = Array.from({ length: SYNC_SAMPLES }, () => log.timedAppendUs());
    log.close();
    return sortedCopy(timesUs);
  });
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadAverage,
    bareSyncP50Us: rounded(percentile(samples, 0.5)),
    bareSyncP99Us: rounded(percentile(samples, 0.99)),
  };
}

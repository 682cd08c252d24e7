/**
 * Processor time of the main thread, as Linux counts it: how long it ran, and how long it was ready
 * to run but other threads and programs had the processors. The second tells how far a figure that
 * was measured on a busy machine can be believed.
 */
import { readFileSync } from 'node:fs';

export interface ProcessorTime {
  readonly ranNs: number;
  readonly waitedNs: number;
}

/** `undefined` where the system does not tell. */
export function mainThreadTime(): ProcessorTime | undefined {
  try {
    // The main thread's number is that of the process.
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1');
    const [ranNs, waitedNs] = text.split(' ').map(Number);
    return { ranNs: ranNs!, waitedNs: waitedNs! };
  } catch {
    return undefined;
  }
}

/**
 * Resident memory of this process. On Linux the high-water mark can be reset, so that it tells
 * about one part of a run; elsewhere it is the mark since the start of the process.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const KIB = 1024;
/** What `/proc/self/clear_refs` takes to reset the high-water mark. */
const RESET_PEAK = '5';

export function resetPeakResident(): void {
  // Garbage of what came before is not part of what follows.
  (globalThis as { gc?: () => void }).gc?.();
  try {
    writeFileSync('/proc/self/clear_refs', RESET_PEAK);
  } catch {
    // Not Linux, or not allowed: the mark then covers the whole process.
  }
}

export function peakResidentBytes(): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (line !== null) return Number(line[1]) * KIB;
  } catch {
    // No /proc on this platform.
  }
  return process.resourceUsage().maxRSS * KIB;
}

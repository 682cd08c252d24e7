/**
 * Fresh directories for measured databases. Every one is removed when its run is over, and at the
 * latest when the process ends.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** `f_type` of a file system that lives in memory. */
const TMPFS_TYPE = 0x01021994;

const open = new Set<string>();

function removeAll(): void {
  for (const directory of open) rmSync(directory, { recursive: true, force: true });
  open.clear();
}

process.on('exit', removeAll);
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(exitCode));
}

/** Runs `use` in a fresh directory below `base`, and removes the directory afterwards. */
export async function withScratch<T>(
  base: string,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  mkdirSync(base, { recursive: true });
  const directory = mkdtempSync(join(base, 'manifold-bench-'));
  open.add(directory);
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    open.delete(directory);
  }
}

/** True where syncs cost nothing, so that durable figures would mean nothing. */
export function isInMemory(directory: string): boolean {
  mkdirSync(directory, { recursive: true });
  return statfsSync(directory).type === TMPFS_TYPE;
}

/**
 * What a process and a database take up over a long time, and whether it has reached a plateau.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes, or numbers of things. */
export interface Usage {
  readonly dataFileBytes: number;
  readonly logBytes: number;
  readonly residentBytes: number;
  /** Heap, and what hangs on it outside: buffers, shared ones included. */
  readonly heapBytes: number;
  readonly openFiles: number;
  readonly threads: number;
}

export type UsageName = keyof Usage;

const MIB = 1024 * 1024;

/** How much the last third may be above the middle one: a share of it, and a constant. */
const TOLERANCES: Readonly<Record<UsageName, readonly [share: number, constant: number]>> = {
  dataFileBytes: [0.1, MIB],
  logBytes: [0.1, MIB],
  // What malloc keeps for itself comes and goes.
  residentBytes: [0.15, 32 * MIB],
  heapBytes: [0.1, 4 * MIB],
  openFiles: [0, 1],
  threads: [0, 0],
};

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function countIn(directory: string): number {
  return readdirSync(directory).length;
}

/** Of this process, and of the database in a directory; after garbage was collected. */
export async function usageOf(directory: string): Promise<Usage> {
  // What finalizers release is collected by the next pass.
  for (let pass = 0; pass < 3; pass++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  let dataFileBytes = 0;
  let logBytes = 0;
  for (const name of readdirSync(directory)) {
    const { size } = statSync(join(directory, name));
    if (name.startsWith('data.')) dataFileBytes += size;
    else logBytes += size;
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    dataFileBytes,
    logBytes,
    residentBytes: rss,
    heapBytes: heapUsed + external,
    openFiles: countIn('/proc/self/fd'),
    threads: countIn('/proc/self/task'),
  };
}

/** What still grows: the highest of the last third is clearly above that of the middle third. */
export function growing(usages: readonly Usage[]): string[] {
  const third = Math.floor(usages.length / 3);
  const highest = (name: UsageName, from: number): number => {
    return Math.max(...usages.slice(from, from + third).map((usage) => usage[name]));
  };
  return (Object.keys(TOLERANCES) as UsageName[]).flatMap((name) => {
    const [share, constant] = TOLERANCES[name];
    const middle = highest(name, usages.length - 2 * third);
    const last = highest(name, usages.length - third);
    if (last <= middle * (1 + share) + constant) return [];
    return [`${name}: ${middle} in the middle third, ${last} in the last`];
  });
}

/** The six workloads of YCSB, as its core properties define them. */

export type OperationName = 'read' | 'update' | 'insert' | 'scan' | 'readModifyWrite';

export interface YcsbWorkload {
  /** Shares that add up to 1. */
  readonly shares: Readonly<Partial<Record<OperationName, number>>>;
  /** Which records are asked for: popular ones wherever they are, or those inserted last. */
  readonly distribution: 'zipfian' | 'latest';
}

/** In the order that YCSB recommends: those that insert come last. */
export const YCSB = {
  A: { shares: { read: 0.5, update: 0.5 }, distribution: 'zipfian' },
  B: { shares: { read: 0.95, update: 0.05 }, distribution: 'zipfian' },
  C: { shares: { read: 1 }, distribution: 'zipfian' },
  F: { shares: { read: 0.5, readModifyWrite: 0.5 }, distribution: 'zipfian' },
  D: { shares: { read: 0.95, insert: 0.05 }, distribution: 'latest' },
  E: { shares: { scan: 0.95, insert: 0.05 }, distribution: 'zipfian' },
} as const satisfies Readonly<Record<string, YcsbWorkload>>;

export type YcsbName = keyof typeof YCSB;
export const YCSB_NAMES = Object.keys(YCSB) as YcsbName[];

/** The operation at a share in [0, 1). */
export function operationAt({ shares }: YcsbWorkload, share: number): OperationName {
  let below = 0;
  let last: OperationName = 'read';
  for (const [name, part] of Object.entries(shares)) {
    last = name as OperationName;
    below += part;
    if (share < below) break;
  }
  return last;
}

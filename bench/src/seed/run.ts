/** What one run of the suite `seed` is asked for. */
import type { KeyOrder } from '../ladder/workload.js';
import type { Subject } from '../subject.js';

/**
 * - `burst`: the seed's workload; the clock stops when the last batch is acknowledged.
 * - `sustained`: ten times as much; the clock runs until everything is in its final place.
 */
export type Phase = 'burst' | 'sustained';

export interface SeedParameters extends Subject {
  readonly phase: Phase;
  readonly order: KeyOrder;
  readonly batchOps: number;
  readonly batchesPerFamily: number;
  /** Before the clock starts. */
  readonly leadInBatchesPerFamily: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

/** What one run of the suite `large` is asked for. */
import type { Measures } from '../rounds.js';
import type { Subject } from '../subject.js';

export interface LargeParameters extends Subject {
  readonly count: number;
  readonly cacheBytes: number;
  readonly bufferBytes: number;
  readonly reads: number;
  readonly openOptions: Readonly<Record<string, unknown>>;
  readonly directory: string;
}

export interface LargeMeasures {
  readonly load: Measures;
  readonly get: Measures;
}

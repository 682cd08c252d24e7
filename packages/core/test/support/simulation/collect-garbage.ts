/**
 * Every run has shared memory of its own, which V8 does not count as its heap: left alone, it would
 * collect so seldom that thousands of runs fill the machine.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setFlagsFromString('--no-expose-gc');

const RUNS_BETWEEN = 64;
let runs = 0;

/** Called after every run. */
export function collectGarbage(): void {
  if (++runs % RUNS_BETWEEN === 0) collect();
}

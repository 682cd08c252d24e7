/**
 * Every run has shared memory of its own, which V8 does not count as its heap: left alone, it would
 * collect so seldom that thousands of runs fill the machine.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setFlagsFromString('--no-expose-gc');

const RUNS_BETWEEN = 320;
let runs = 0;

/** Called after every run. The event loop gets a turn: there, what was collected is released. */
export async function collectGarbage(): Promise<void> {
  if (++runs % RUNS_BETWEEN !== 0) return;
  collect();
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * The event loop gets a turn between runs: only there V8 lets go of what weak references were
 * made or followed to, and runs what was registered for collected objects. A run itself consists
 * of promises alone and never comes back to it.
 *
 * The garbage is left to V8. A collection between runs, when nothing of an engine is alive, would
 * throw away the shapes of all its objects, and with them all code that was optimised for them.
 */
const RUNS_BETWEEN = 32;
let runs = 0;

/** Called after every run. */
export async function takeTurn(): Promise<void> {
  if (++runs % RUNS_BETWEEN === 0) await new Promise((resolve) => setImmediate(resolve));
}

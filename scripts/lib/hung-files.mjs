/**
 * A reporter of vitest that ends a run in which a test file hangs. Vitest's own limits are timers
 * of the process that runs the test, so they never fire in one that blocks its thread for ever,
 * which is what a lost wake-up looks like. Names the file and the test, then kills the whole
 * process group: `test.mjs` starts vitest as the leader of one.
 */
const LOOK_EVERY_MS = 5_000;
/** Longer than any limit a test sets for itself. */
const HUNG_AFTER_MS = 600_000;

function killGroup(why) {
  process.stdout.write(`${why}\n`);
  process.kill(0, 'SIGKILL');
}

export default class HungFiles {
  #endRun;
  /** Module id to the last sign of life. */
  #running = new Map();
  #timer;

  constructor({ endRun = killGroup } = {}) {
    this.#endRun = endRun;
  }

  onTestRunStart() {
    this.#timer = setInterval(() => this.look(Date.now()), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  onTestRunEnd() {
    clearInterval(this.#timer);
  }

  onTestModuleStart(module) {
    this.#running.set(module.moduleId, { at: Date.now(), test: 'in its first test, or before' });
  }

  onTestModuleEnd(module) {
    this.#running.delete(module.moduleId);
  }

  onTestCaseReady(test) {
    this.#running.set(test.module.moduleId, { at: Date.now(), test: test.fullName });
  }

  look(now) {
    for (const [file, { at, test }] of this.#running) {
      if (now - at < HUNG_AFTER_MS) continue;
      this.#endRun(`hung for ${HUNG_AFTER_MS / 1000} s: ${file}: ${test}`);
    }
  }
}

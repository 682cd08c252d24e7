/**
 * What build and append cost on the main thread, summed up; the other two stages are measured by
 * their workers (`layout/statistics.ts`). Main thread.
 */
const NS_PER_MS = 1e6;

export class StageClock {
  commits = 0;
  buildNs = 0;
  appendNs = 0;
  #mark = 0;

  start(): void {
    this.#mark = performance.now();
  }

  built(): void {
    const now = performance.now();
    this.buildNs += (now - this.#mark) * NS_PER_MS;
    this.#mark = now;
  }

  appended(): void {
    this.appendNs += (performance.now() - this.#mark) * NS_PER_MS;
    this.commits++;
  }
}

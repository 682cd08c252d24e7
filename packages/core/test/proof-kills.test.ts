/**
 * Kills: processes with real threads on real files end by SIGKILL, at random moments and at named
 * points inside each thread, and by `process.exit`; workers end by `terminate`, by an exception and
 * by a heap without room. Nothing acknowledged is lost, the commits that are there are the first so
 * many, every promise settles, a process whose worker died reads on, closes and opens again
 * (`support/kills/`).
 */
import { describe } from 'vitest';
import { freshPath } from './support/directories.js';
import { KillSeries } from './support/kills/series.js';
import { proof, type ProofRun } from './support/proof.js';

/** Series at once; each works on a database of its own. */
const LANES = 2;
/** A series has hardly fewer: one that is not needed any more is not begun. */
const KILLS_PER_SERIES = 12;

class Kills {
  readonly #run: ProofRun;
  readonly #points = new Set<string>();
  #next = 0;
  #underWay = 0;

  constructor(run: ProofRun) {
    this.#run = run;
  }

  async lane(): Promise<void> {
    while (!this.#run.isOver && !this.#willBeEnough) {
      this.#underWay++;
      await this.series(this.#next++);
      this.#underWay--;
    }
  }

  get #willBeEnough(): boolean {
    const { done, count, isTimed } = this.#run;
    return !isTimed && done + this.#underWay * KILLS_PER_SERIES >= count;
  }

  async series(number: number): Promise<void> {
    const run = this.#run;
    const series = new KillSeries(freshPath(), number, run.seed);
    await series.run();
    run.done += series.count;
    for (const [kind, count] of Object.entries(series.kills)) run.figure(kind, count);
    run.figure('processes', series.processes);
    run.figure('acknowledged', series.oracle.acknowledged);
    run.figure('missed', series.missed.length);
    for (const point of series.points) this.#points.add(point);
    for (const text of series.problems) run.problem(String(number), text);
  }

  end(): void {
    this.#run.figure('namedPoints', this.#points.size);
  }
}

describe('kills', () => {
  proof({ name: 'kills', unit: 'kills', small: 150, large: 2000 }, async (run) => {
    const kills = new Kills(run);
    if (run.onlyCase !== undefined) await kills.series(Number(run.onlyCase));
    else await Promise.all(Array.from({ length: LANES }, () => kills.lane()));
    kills.end();
  });
});

/** Feeds the areas in turn, each by its share, until the run is over. */
import type { ProofRun } from '../proof.js';
import { randomOf, type Area, type Fuzzer } from './fuzzer.js';

interface Running {
  readonly area: Area;
  readonly fuzzer: Fuzzer;
  index: number;
  ms: number;
}

export async function fuzz(run: ProofRun, areas: readonly Area[]): Promise<void> {
  if (run.onlyCase !== undefined) {
    await one(run, areas, run.onlyCase);
    return;
  }
  const running: Running[] = [];
  for (const area of areas) {
    running.push({ area, fuzzer: await area.make(run.seed), index: 0, ms: 0 });
  }
  while (!run.isOver) {
    for (const each of running) await round(run, each);
  }
  for (const { area, fuzzer, index, ms } of running) {
    const problem = await fuzzer.close?.();
    if (problem !== undefined) run.problem(`${area.name} 0`, `at the end: ${problem}`);
    run.figure(area.name, index);
    run.figure(`${area.name}Seconds`, Math.round(ms / 100) / 10);
  }
}

async function round(run: ProofRun, running: Running): Promise<void> {
  const { area, fuzzer } = running;
  const startMs = performance.now();
  for (let i = 0; i < area.perRound && !run.isOver; i++) {
    const index = running.index++;
    const outcome = fuzzer.one(randomOf(run.seed, area.name, index));
    // Most are synchronous, and a turn of the event loop costs more than they do.
    const problem = outcome instanceof Promise ? await outcome : outcome;
    if (problem !== undefined) run.problem(`${area.name} ${index}`, problem);
    run.done++;
  }
  running.ms += performance.now() - startMs;
}

async function one(run: ProofRun, areas: readonly Area[], text: string): Promise<void> {
  const [name, index] = text.split(' ');
  const area = areas.find((each) => each.name === name);
  if (area === undefined) throw new Error(`there is no area ${name}`);
  const fuzzer = await area.make(run.seed);
  const problem = await fuzzer.one(randomOf(run.seed, area.name, Number(index)));
  if (problem !== undefined) run.problem(text, problem);
  const atEnd = await fuzzer.close?.();
  if (atEnd !== undefined) run.problem(text, `at the end: ${atEnd}`);
  run.done++;
}

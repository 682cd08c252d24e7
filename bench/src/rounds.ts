/**
 * Runs everything that is to be measured in turns: one round after another, inside a round each
 * run once, so that a change of the machine meets all of them.
 */
import type { Settings } from './arguments.js';
import type { EngineFacts } from './report.js';
import { nameOf, type Subject } from './subject.js';

const ROUNDS = 5;

/** What a row was measured under; rows that agree in all of it can be compared. */
export type Conditions = Readonly<Record<string, string | number>>;

/** What one round gives for one row. */
export interface Measures {
  readonly facts: EngineFacts;
  /** By their names in the report; the first one is the row's main figure. */
  readonly figures: Readonly<Record<string, number>>;
  /** What cannot be a median; taken from the round whose main figure is the median. */
  readonly notes?: Readonly<Record<string, unknown>> | undefined;
}

export interface Outcome {
  readonly conditions: Conditions;
  /** Way of doing it, when an engine has more than one. */
  readonly kind?: string | undefined;
  readonly measures: Measures;
}

export interface Run {
  readonly subject: Subject;
  /** Shown meanwhile, and what `--only` looks at. */
  readonly label: string;
  /** Rounds count from 1; 0 is a discarded one, for runs that ask for it. */
  readonly execute: (round: number) => Promise<readonly Outcome[]>;
}

/** A row with all of its rounds. */
export interface Measured {
  readonly subject: Subject;
  readonly conditions: Conditions;
  readonly kind: string | undefined;
  readonly rounds: readonly Measures[];
}

export function labelOf(subject: Subject, ...parts: readonly (string | number)[]): string {
  return [nameOf(subject), subject.durability, ...parts].join(', ');
}

export function roundsOf(settings: Settings): number {
  return settings.rounds ?? (settings.quick ? 1 : ROUNDS);
}

export function selected(runs: readonly Run[], only: readonly string[] | undefined): Run[] {
  return runs.filter(({ label }) => (only ?? []).every((word) => label.includes(word)));
}

function perSecond({ measures }: Outcome): string {
  const [name, value] = Object.entries(measures.figures)[0]!;
  return `${name} ${value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 2 : 0 })}`;
}

function say(round: number, rounds: number, label: string, outcomes: readonly Outcome[]): void {
  const figures = outcomes.map(perSecond).join('; ');
  process.stderr.write(`round ${round}/${rounds}  ${label}: ${figures}\n`);
}

/** Every run once a round; `warmUpRounds` are executed as round 0 and thrown away. */
export async function runRounds(
  runs: readonly Run[],
  rounds: number,
  warmUpRounds = 0,
): Promise<Measured[]> {
  const rows = new Map<string, Measured & { rounds: Measures[] }>();
  for (let round = 1 - warmUpRounds; round <= rounds; round++) {
    for (const { subject, label, execute } of runs) {
      const outcomes = await execute(Math.max(0, round));
      if (round < 1) continue;
      say(round, rounds, label, outcomes);
      for (const { conditions, kind, measures } of outcomes) {
        const key = JSON.stringify([subject, conditions, kind]);
        const row = rows.get(key) ?? { subject, conditions, kind, rounds: [] };
        row.rounds.push(measures);
        rows.set(key, row);
      }
    }
  }
  return [...rows.values()];
}

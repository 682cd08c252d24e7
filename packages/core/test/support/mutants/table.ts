/** The table of mutants and what killed them, as text. Test thread. */
import type { Trap } from './catalogue.js';

/** What became of one mutant, over all modes and seeds. */
export interface Record {
  trials: number;
  killed: number;
  /** Seeds that the check had to look at until it saw the bug, at most. */
  seedsMax: number;
  elapsedMs: number;
  /** An example of what the check said. */
  said: string;
}

const SAID_MAX = 70;

export function newRecord(): Record {
  return { trials: 0, killed: 0, seedsMax: 0, elapsedMs: 0, said: '' };
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at]!)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** One row for each mutant, then what cannot be put back. */
export function printTable(traps: readonly Trap[], records: ReadonlyMap<string, Record>): string {
  const rows = [['trap', 'mutant', 'killed by', 'killed', 'seeds', 'ms', 'what the check said']];
  const without: string[] = [];
  for (const { trap, bug, mutants, cannotBe } of traps) {
    if (cannotBe !== undefined) without.push(`${trap} (${bug}), not here: ${cannotBe}`);
    for (const { name, check } of mutants) {
      const record = records.get(name) ?? newRecord();
      const { trials, killed, seedsMax, elapsedMs, said } = record;
      const ms = String(Math.round(elapsedMs));
      const of = `${killed}/${trials}`;
      rows.push([trap, name, check.name, of, String(seedsMax), ms, said.slice(0, SAID_MAX)]);
    }
  }
  return `${columns(rows)}\n${without.join('\n')}\n`;
}

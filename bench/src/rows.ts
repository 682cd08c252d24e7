/** From the measures of all rounds to the flat rows of the report, and to the table for people. */
import { median, spreadOf } from './figures.js';
import type { Measured } from './rounds.js';
import type { RowHead } from './report.js';
import { cellOf, formatTable, type Column } from './table.js';

export type Row = RowHead & Readonly<Record<string, unknown>>;

/** Figures of the table that also show how far the rounds differ. */
const SPREAD_COLUMNS = 1;

/** A figure under its name is the median; beside it stand the extremes. */
export function flatFigures(name: string, values: readonly number[]): Record<string, number> {
  const { median: middle, min, max } = spreadOf(values);
  return { [name]: middle, [`${name}Min`]: min, [`${name}Max`]: max };
}

function figureNames({ rounds }: Measured): string[] {
  return Object.keys(rounds[0]!.figures);
}

export function rowOf(measured: Measured): Row {
  const { subject, conditions, kind, rounds } = measured;
  const names = figureNames(measured);
  const main = names[0]!;
  const middle = median(rounds.map(({ figures }) => figures[main]!));
  const typical = rounds.find(({ figures }) => figures[main] === middle) ?? rounds[0]!;
  const figures = names.map((name) => {
    return flatFigures(
      name,
      rounds.map((round) => round.figures[name]!),
    );
  });
  return {
    ...subject,
    ...(kind === undefined ? {} : { kind }),
    ...conditions,
    ...typical.facts,
    rounds: rounds.length,
    ...Object.assign({}, ...figures),
    ...typical.notes,
  };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

export function rowsText(all: readonly Measured[]): string {
  const kinds = all.some(({ kind }) => kind !== undefined) ? ['kind'] : [];
  const conditions = unique(all.flatMap((measured) => Object.keys(measured.conditions)));
  const heads = ['engine', 'mode', 'durability', ...kinds, ...conditions];
  const figures = unique(all.flatMap(figureNames));
  const spreads = figures.slice(0, SPREAD_COLUMNS);
  const names = [...heads, ...figures].flatMap((name) => {
    return spreads.includes(name) ? [name, `${name}Min`, `${name}Max`] : [name];
  });
  const columns = names.map((name): Column<Row> => [name, (row) => cellOf(row[name])]);
  return formatTable(columns, all.map(rowOf));
}

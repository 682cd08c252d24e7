/** Every row of every suite, as it was printed: what charts leave out, and for who reads text. */
import { tag, type Markup } from './markup.js';
import { isRow, rowsOf, type Row, type SuiteResult } from './rows.js';
import type { Section } from './section.js';

const DIGITS = 5;

/** Objects such as `{min, median, max}` become columns of their own; lists are not figures. */
function flat(row: Row, prefix = ''): [name: string, value: unknown][] {
  return Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
    if (isRow(value)) return flat(value, `${prefix}${name}.`);
    return Array.isArray(value) ? [] : [[`${prefix}${name}`, value]];
  });
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value !== 'number') return String(value);
  const maximumFractionDigits = Math.abs(value) < 100 ? 2 : 0;
  return Number(value.toPrecision(DIGITS)).toLocaleString('en-US', { maximumFractionDigits });
}

function sheet(rows: readonly Row[]): Markup {
  const cells = rows.map((row) => new Map(flat(row)));
  const names = [...new Set(cells.flatMap((row) => [...row.keys()]))];
  const isNumber = (name: string) => cells.some((row) => typeof row.get(name) === 'number');
  const classes = new Map(names.map((name) => [name, isNumber(name) ? 'number' : undefined]));
  const head = names.map((name) => tag('th', { scope: 'col', class: classes.get(name) }, name));
  const body = cells.map((row) => {
    const tds = names.map((name) => {
      return tag('td', { class: classes.get(name) }, cellText(row.get(name)));
    });
    return tag('tr', {}, tds);
  });
  return tag(
    'div',
    { class: 'sheet', tabindex: 0, role: 'group', 'aria-label': 'table, scrolls sideways' },
    tag('table', {}, tag('thead', {}, tag('tr', {}, head)), tag('tbody', {}, body)),
  );
}

function tableOf({ suite, json }: SuiteResult): Markup[] {
  const rows = rowsOf(json, 'runs');
  if (rows.length === 0) return [];
  const count = rows.length === 1 ? '1 row' : `${rows.length} rows`;
  return [
    tag('details', { 'data-table': suite }, tag('summary', {}, `${suite}: ${count}`), sheet(rows)),
  ];
}

export function tableSection(results: readonly SuiteResult[]): Section | undefined {
  const tables = results.flatMap(tableOf);
  if (tables.length === 0) return undefined;
  return {
    id: 'figures',
    title: 'All figures',
    body: tag('div', {}, tag('p', {}, 'The rows of every suite, as printed.'), tables),
  };
}

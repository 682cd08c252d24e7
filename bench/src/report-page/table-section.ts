/** Every row of every suite, as it was printed: what charts leave out, and for who reads text. */
import { tag, type Markup } from './markup.js';
import { isRow, rowsOf, type Row, type SuiteResult } from './rows.js';
import type { Section } from './section.js';

const DIGITS = 5;
/** Longer texts are broken into lines. */
const LONG_TEXT = 40;

/** `{min, median, max}` becomes columns, options stay together; lists are no figures. */
function flat(row: Row, prefix = ''): [name: string, value: unknown][] {
  return Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
    if (Array.isArray(value)) return [];
    if (!isRow(value)) return [[`${prefix}${name}`, value]];
    return isSpread(value) ? flat(value, `${prefix}${name}.`) : [[name, optionsText(value)]];
  });
}

function isSpread(row: Row): boolean {
  return 'min' in row && 'max' in row;
}

function optionsText(options: Row): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

function cellText(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value !== 'number') return String(value);
  const maximumFractionDigits = Math.abs(value) < 100 ? 2 : 0;
  return Number(value.toPrecision(DIGITS)).toLocaleString('en-US', { maximumFractionDigits });
}

function classOf(column: readonly unknown[]): string | undefined {
  if (column.some((value) => typeof value === 'number')) return 'number';
  return column.some((value) => cellText(value).length > LONG_TEXT) ? 'long' : undefined;
}

function sheet(rows: readonly Row[]): Markup {
  const cells = rows.map((row) => new Map(flat(row)));
  const names = [...new Set(cells.flatMap((row) => [...row.keys()]))];
  const classes = new Map(names.map((name) => [name, classOf(cells.map((row) => row.get(name)))]));
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
